// SPDX-License-Identifier: MPL-2.0

package api

// Job is the Job object of the HTTP API, see http-types.md.
type Job struct {
	// ID: Required; unique in namespace; no spaces or null characters.
	ID string `hcl:"id"`
	// Name: Display name (default = ID).
	Name string `hcl:"name"`
	// Region: Region (default `global`).
	Region string `api:"null" hcl:"region" default:"global"`
	// Namespace: Namespace (default `default`).
	Namespace string `api:"null" hcl:"namespace" default:"default"`
	// Type: `service`, `batch`, `system`, `sysbatch` (`_core` is internal) (default `service`).
	Type string `api:"null" hcl:"type" default:"service"`
	// Priority: 1-100 (default and maximum come from the server's `job_default_priority`, `job_max_priority`) (default 50).
	Priority *int `hcl:"priority" default:"50"`
	// AllAtOnce: Place all groups or none in one plan.
	AllAtOnce bool `api:"null" hcl:"all_at_once"`
	// Datacenters: Names or globs (default `["*"]`).
	Datacenters []string `hcl:"datacenters"`
	// NodePool: Node pool (or the namespace's default pool); `all` allowed (default `default`).
	NodePool string `api:"null" hcl:"node_pool" default:"default"`
	// Constraints: Job-wide hard rules.
	Constraints []*Constraint `hcl:"constraint,block"`
	// Affinities: Job-wide preferences (not sys).
	Affinities []*Affinity `hcl:"affinity,block"`
	// Spreads: Job-wide spreading (not sys).
	Spreads []*Spread `hcl:"spread,block"`
	// TaskGroups: At least one; unique names.
	TaskGroups []*TaskGroup `hcl:"group,block"`
	// Update: Job-level update settings, copied into the groups; in responses an object with only `Stagger` and `MaxParallel` meaningful (zero for bat/sysb) (default see text).
	Update *UpdateStrategy `hcl:"update,block"`
	// Multiregion: Enterprise multi-region deployment.
	Multiregion *Multiregion `hcl:"multiregion,block"`
	// Periodic: Cron launching (bat, sysb).
	Periodic *Periodic `hcl:"periodic,block"`
	// ParameterizedJob: Makes the job a dispatch template (bat, sysb).
	ParameterizedJob *ParameterizedJob `hcl:"parameterized,block"`
	// Reschedule: Inherited by groups.
	Reschedule *ReschedulePolicy `api:"in" hcl:"reschedule,block"`
	// Migrate: Inherited by groups.
	Migrate *Migrate `api:"in" hcl:"migrate,block"`
	// Meta: Arbitrary strings.
	Meta map[string]string `hcl:"meta,map,attr"`
	// UI: Description and links shown in user interfaces.
	UI *JobUI `hcl:"ui,block"`
	// Stop: Job is stopped (deregistered without purge).
	Stop bool `api:"null" hcl:"-"`
	// ParentID: Set on children of periodic and parameterized jobs.
	ParentID string `api:"null" hcl:"-"`
	// Dispatched: Child created by dispatch.
	Dispatched bool `hcl:"-"`
	// DispatchIdempotencyToken: Token given at dispatch.
	DispatchIdempotencyToken string `api:"null,keep" hcl:"-"`
	// Payload: Dispatch payload (returned decompressed by job and allocation reads).
	Payload []byte `hcl:"-"`
	// ConsulNamespace: Enterprise.
	ConsulNamespace string `api:"null" hcl:"-"`
	// VaultNamespace: Enterprise.
	VaultNamespace string `api:"null" hcl:"-"`
	// NomadTokenID: Accessor of the registering token.
	NomadTokenID string `api:"null" hcl:"-"`
	// Status: `pending`, `running`, `dead` (default set by server).
	Status string `api:"null" hcl:"-"`
	// StatusDescription: Free text.
	StatusDescription string `api:"null" hcl:"-"`
	// Stable: Version was marked stable (successful deployment or by request).
	Stable bool `api:"null" hcl:"-"`
	// Version: Increases with every specification change (default 0).
	Version uint64 `api:"null" hcl:"-"`
	// SubmitTime: Time of registration (default set by server).
	SubmitTime int64 `api:"null,keep" hcl:"-"`
	// CreateIndex: Raft indexes; `ModifyIndex` also moves on status changes.
	CreateIndex uint64 `api:"null" hcl:"-"`
	// ModifyIndex: Raft indexes; `ModifyIndex` also moves on status changes.
	ModifyIndex uint64 `api:"null" hcl:"-"`
	// JobModifyIndex: Index of the last specification change (value used for `EnforceIndex`).
	JobModifyIndex uint64 `api:"null" hcl:"-"`
	// VersionTag: Tag attached to this version.
	VersionTag *JobVersionTag `hcl:"-"`
}

// JobVersionTag is the JobVersionTag object of the HTTP API, see http-types.md.
type JobVersionTag struct {
	// Name: Tag.
	Name string
	// Description: Text.
	Description string
	// TaggedTime: When tagged.
	TaggedTime int64
}

// JobUI is the UI object of the HTTP API, see http-types.md.
type JobUI struct {
	// Description: Markdown, at most 1000 characters.
	Description string `hcl:"description"`
	// Links: Label and address.
	Links []*JobUILink `hcl:"link,block"`
}

// JobUILink is the UI link object of the HTTP API, see http-types.md.
type JobUILink struct {
	// Label: Text.
	Label string `hcl:"label"`
	// URL: Address; requests spell it URL, responses Url.
	URL string `json:"Url" hcl:"url"`
}

// JobSubmission is the JobSubmission object of the HTTP API, see http-types.md.
type JobSubmission struct {
	// Source: Original text.
	Source string
	// Format: `hcl2`, `hcl1`, `json`.
	Format string
	// VariableFlags: Values of `-var` flags.
	VariableFlags map[string]string
	// Variables: Variable file text.
	Variables string
	// Namespace: Job (filled by the server).
	Namespace string
	// JobID: Job (filled by the server).
	JobID string
	// Version: Job version.
	Version uint64
	// JobModifyIndex: Index of that version.
	JobModifyIndex uint64
}

// Periodic is the Periodic object of the HTTP API, see http-types.md.
type Periodic struct {
	// Enabled: Launches on schedule (default true).
	Enabled *bool `hcl:"enabled" default:"true"`
	// Spec: One cron expression (excludes `Specs`).
	Spec string `hcl:"cron"`
	// Specs: Several expressions.
	Specs []string `hcl:"crons"`
	// SpecType: `cron` (default `cron`).
	SpecType string `hcl:"-" default:"cron"`
	// ProhibitOverlap: Skip when the previous child runs (default false).
	ProhibitOverlap bool `hcl:"prohibit_overlap"`
	// TimeZone: IANA name (default `UTC`).
	TimeZone string `hcl:"time_zone" default:"UTC"`
}

// ParameterizedJob is the ParameterizedJob object of the HTTP API, see http-types.md.
type ParameterizedJob struct {
	// Payload: `optional`, `required`, `forbidden` (default `optional`).
	Payload string `hcl:"payload" default:"optional"`
	// MetaRequired: Allowed meta keys (disjoint).
	MetaRequired []string `hcl:"meta_required"`
	// MetaOptional: Allowed meta keys (disjoint).
	MetaOptional []string `hcl:"meta_optional"`
}
