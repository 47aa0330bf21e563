// SPDX-License-Identifier: MPL-2.0

package api

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks the canonical job against jobspec.md 4 to 9 and returns everything that is wrong, nil
// when nothing is, and the warnings. What depends on other objects (namespace, node pool) is the
// server's to check, cron expressions are checked by internal/cron, which has the parser.
func (j *Job) Validate(limits Limits) (*ValidationError, Warnings) {
	c := newChecker("job")
	j.validateIdentity(c)
	for i, constraint := range j.Constraints {
		constraint.validate(c, i, constraintScopeJob)
	}
	earlier := validateConflicts(c, nil, j.Constraints)
	j.validatePreferences(c)
	c.check(len(j.TaskGroups) > 0, "group", "Missing job task groups")
	names := make([]string, len(j.TaskGroups))
	for i, g := range j.TaskGroups {
		names[i] = g.Name
	}
	c.unique("Job task group", names)
	for i, g := range j.TaskGroups {
		label := g.Name
		if label == "" {
			label = strconv.Itoa(i + 1)
		}
		c.within(c.at.block("group", label), "Task group "+label+" validation failed", func(c *checker) {
			g.validate(c, j, limits, earlier)
		})
	}
	j.validatePeriodic(c)
	j.validateParameterized(c)
	c.check(len(j.Payload) == 0 || j.Dispatched, "payload", "Job can't be submitted with a payload, only dispatched")
	if j.UI != nil {
		c.check(len(j.UI.Description) <= 1000, "ui.description", "UI description must be under 1000 characters, got %d", len(j.UI.Description))
	}
	j.validatePartialAutoPromote(c)
	j.validateLimits(c, limits)
	return c.err(), *c.warned
}

func (j *Job) validateIdentity(c *checker) {
	c.check(j.Region != "", "region", "Missing job region")
	switch {
	case j.ID == "":
		c.failf("id", "Missing job ID")
	case strings.Contains(j.ID, " "):
		c.failf("id", "Job ID contains a space")
	case strings.Contains(j.ID, "\x00"):
		c.failf("id", "Job ID contains a null character")
	}
	switch {
	case j.Name == "":
		c.failf("name", "Missing job name")
	case strings.Contains(j.Name, "\x00"):
		c.failf("name", "Job Name contains a null character")
	}
	c.environ("meta", j.Meta)
	c.check(j.Namespace != "", "namespace", "Job must be in a namespace")
	switch j.Type {
	case JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch:
	case "":
		c.failf("type", "Missing job type")
	default:
		c.failf("type", "Invalid job type: %q", j.Type)
	}
	c.check(len(j.Datacenters) > 0, "datacenters", "Missing job datacenters")
	c.check(!slices.Contains(j.Datacenters, ""), "datacenters", "Job datacenter must be non-empty string")
}

// validatePreferences checks affinities and spreads, which system jobs may not have.
func (j *Job) validatePreferences(c *checker) {
	validateAffinities(c, j.Affinities, j.Type)
	validateSpreads(c, j.Spreads, j.Type)
}

// launchesChildren reports whether jobs of the type may be periodic or parameterized.
func (j *Job) launchesChildren() bool { return j.Type == JobTypeBatch || j.Type == JobTypeSysBatch }

func (j *Job) validatePeriodic(c *checker) {
	p := j.Periodic
	if p == nil {
		return
	}
	c.check(j.launchesChildren(), "periodic", `Periodic can only be used with "batch" or "sysbatch" scheduler`)
	if !Or(p.Enabled, true) {
		return
	}
	c.under(c.at.field("periodic"), func(c *checker) {
		if p.Spec != "" {
			c.warnf("cron", "cron is deprecated and may be removed in a future release. Use crons instead")
		}
		switch {
		case p.Spec != "" && len(p.Specs) > 0:
			c.failf("", "Only cron or crons may be used")
		case p.Spec == "" && len(p.Specs) == 0:
			c.failf("", "Must specify a spec")
		}
		if p.TimeZone != "" {
			_, err := time.LoadLocation(p.TimeZone)
			c.check(err == nil, "time_zone", "Invalid time zone %q: %v", p.TimeZone, err)
		}
		if p.SpecType != "cron" {
			c.failf("", "Unknown periodic specification type %q", p.SpecType)
		}
	})
}

func (j *Job) validateParameterized(c *checker) {
	p := j.ParameterizedJob
	if p == nil {
		return
	}
	c.check(j.launchesChildren(), "parameterized", `Parameterized job can only be used with "batch" or "sysbatch" scheduler`)
	c.oneOf("parameterized.payload", p.Payload, "optional", "required", "forbidden")
	var both []string
	for _, key := range p.MetaRequired {
		if slices.Contains(p.MetaOptional, key) {
			both = append(both, key)
		}
	}
	c.check(len(both) == 0, "parameterized.meta_optional", "Required and optional meta keys should be disjoint. Following keys exist in both: %q", both)
}

// validatePartialAutoPromote warns when only some groups with canaries promote them themselves.
func (j *Job) validatePartialAutoPromote(c *checker) {
	auto, manual := 0, 0
	for _, g := range j.TaskGroups {
		switch {
		case g.Update.CanaryOrDefault() == 0:
		case Val(g.Update.AutoPromote):
			auto++
		default:
			manual++
		}
	}
	if auto > 0 && manual > 0 {
		c.warnf("", "auto_promote must be true for all groups to enable automatic promotion")
	}
}

func (j *Job) validateLimits(c *checker, limits Limits) {
	highest := limits.MaxPriority
	if highest == 0 {
		highest = JobMaxPriority
	}
	if p := j.PriorityOrDefault(); p < JobMinPriority || p > highest {
		c.failf("priority", "job priority must be between [%d, %d]", JobMinPriority, highest)
	}
	if err := limits.CheckCount(j.TotalCount()); err != nil {
		c.failf("", "%v", err)
	}
}

// TotalCount returns the sum of the group counts, the largest number when they are more.
func (j *Job) TotalCount() int64 {
	total := int64(0)
	for _, g := range j.TaskGroups {
		n := int64(max(0, g.CountOrDefault()))
		if n > math.MaxInt64-total {
			return math.MaxInt64
		}
		total += n
	}
	return total
}

// ValidateUpdate checks whether the job may replace old (jobspec.md 9.7); nil when it may. Both are
// canonical; a nil old is a new job.
func ValidateUpdate(old, new *Job) *ValidationError {
	c := newChecker("job")
	if old == nil {
		c.check(!new.Dispatched, "", "job can't be submitted with 'Dispatched'")
		return c.err()
	}
	c.check(old.Type == new.Type, "type", "cannot update job from type %q to %q", old.Type, new.Type)
	if old.IsPeriodic() != new.IsPeriodic() {
		c.failf("periodic", "cannot update %s job to being %s", periodicity(old), periodicity(new))
	}
	if was, is := old.ParameterizedJob != nil, new.ParameterizedJob != nil; was != is {
		c.failf("parameterized", "cannot update %s job to being %s", templating(was), templating(is))
	}
	c.check(old.Dispatched == new.Dispatched, "", "field 'Dispatched' is read-only")
	return c.err()
}

func periodicity(j *Job) string {
	if j.IsPeriodic() {
		return "periodic"
	}
	return "non-periodic"
}

func templating(is bool) string {
	if is {
		return "parameterized"
	}
	return "non-parameterized"
}
