// SPDX-License-Identifier: MPL-2.0

package api

// JobDiff is the JobDiff object of the HTTP API, see http-types.md.
type JobDiff struct {
	// Type: `None`, `Added`, `Deleted`, `Edited`.
	Type string
	// ID: Job id.
	ID string
	// Fields: Changed primitive fields.
	Fields []*FieldDiff
	// Objects: Changed blocks.
	Objects []*ObjectDiff
	// TaskGroups: Group diffs.
	TaskGroups []*TaskGroupDiff
}

// TaskGroupDiff is the TaskGroupDiff object of the HTTP API, see http-types.md.
type TaskGroupDiff struct {
	// Type: As above.
	Type string
	// Fields: As above.
	Fields []*FieldDiff
	// Objects: As above.
	Objects []*ObjectDiff
	// Name: Group.
	Name string
	// Tasks: Task diffs.
	Tasks []*TaskDiff
	// Updates: Count per update kind: `ignore`, `create`, `destroy`, `migrate`, `canary`, `in-place update`, `create/destroy update`.
	Updates map[string]int
}

// TaskDiff is the TaskDiff object of the HTTP API, see http-types.md.
type TaskDiff struct {
	// Type: As above.
	Type string
	// Fields: As above.
	Fields []*FieldDiff
	// Objects: As above.
	Objects []*ObjectDiff
	// Name: Task.
	Name string
	// Annotations: `forces create`, `forces destroy`, `forces in-place update`, `forces create/destroy update`.
	Annotations []string
}

// ObjectDiff is the ObjectDiff object of the HTTP API, see http-types.md.
type ObjectDiff struct {
	// Type: As above.
	Type string
	// Fields: As above.
	Fields []*FieldDiff
	// Objects: As above.
	Objects []*ObjectDiff
	// Name: Block name.
	Name string
}

// FieldDiff is the FieldDiff object of the HTTP API, see http-types.md.
type FieldDiff struct {
	// Type: As above (unchanged fields with `None` appear as context).
	Type string
	// Name: Field, map entries as `Env[KEY]`.
	Name string
	// Old: Text forms.
	Old string
	// New: Text forms.
	New string
	// Annotations: As on TaskDiff.
	Annotations []string
}
