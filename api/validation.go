// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits are the server settings that job validation depends on.
type Limits struct {
	// MaxPriority is the highest priority of a job, 100 when 0.
	MaxPriority int
	// MaxCount limits the sum of the group counts of a job; 0 leaves the limit to MaxTotalCount.
	MaxCount int
	// MemoryOversubscription says whether memory_max has an effect.
	MemoryOversubscription bool
}

// DefaultLimits returns the limits of a server that configures none.
func DefaultLimits() Limits { return Limits{MaxPriority: JobMaxPriority, MaxCount: 50000} }

// MaxTotalCount is the largest sum of the group counts of a job where job_max_count sets no limit: every missing
// allocation takes part in a pass of the scheduler, and a number that no cluster can run must not use up its memory.
//
// Compat: the reference has no limit then.
const MaxTotalCount = 5_000_000

// CheckCount returns an error when the sum of the group counts of a job is more than the server allows.
func (l Limits) CheckCount(total int64) error {
	switch most := int64(l.MaxCount); {
	case most > 0 && total > most:
		return fmt.Errorf("total count was %d, cannot exceed job_max_count of %d", total, most)
	case most <= 0 && total > MaxTotalCount:
		return fmt.Errorf("total count was %d, cannot exceed %d, the most that a job can have", total, MaxTotalCount)
	}
	return nil
}

// ValidationError is everything that is wrong with a job.
type ValidationError struct {
	// Fields holds every mistake with the path of the setting.
	Fields []FieldError
	// Texts are the messages of the job level in the shape of the contract; those of groups and tasks
	// are aggregated into one text each.
	Texts []string
}

// Error returns the aggregated text of the contract (jobspec.md 9.1).
func (e *ValidationError) Error() string { return aggregate(e.Texts) }

// OrNil returns e as an error, nil when e is nil.
func (e *ValidationError) OrNil() error {
	if e == nil {
		return nil
	}
	return e
}

// Warnings are remarks about a job that is accepted.
type Warnings []FieldError

// String returns the warnings text of the contract: "1 warning:\n\n* text", or "".
func (w Warnings) String() string {
	if len(w) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(w)) + " warning")
	if len(w) > 1 {
		b.WriteByte('s')
	}
	b.WriteString(":\n")
	for _, warning := range w {
		b.WriteString("\n* " + warning.Message)
	}
	return b.String()
}

// checker collects what is wrong with one block and the blocks below it.
type checker struct {
	at     fieldPath
	texts  []string
	fields *[]FieldError
	warned *Warnings
}

func newChecker(root fieldPath) *checker {
	return &checker{at: root, fields: &[]FieldError{}, warned: &Warnings{}}
}

// err returns what was collected, nil when nothing.
func (c *checker) err() *ValidationError {
	if len(c.texts) == 0 {
		return nil
	}
	return &ValidationError{Fields: *c.fields, Texts: c.texts}
}

// path returns the path of a field; "" is the block itself.
func (c *checker) path(field string) fieldPath {
	if field == "" {
		return c.at
	}
	return c.at.field(field)
}

// failf notes a mistake in a field of the block.
func (c *checker) failf(field, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	c.texts = append(c.texts, message)
	*c.fields = append(*c.fields, FieldError{Path: string(c.path(field)), Message: message})
}

// check notes a mistake unless ok.
func (c *checker) check(ok bool, field, format string, args ...any) {
	if !ok {
		c.failf(field, format, args...)
	}
}

// environ notes the names and values of a map that no environment can have: the task they are for could never start.
func (c *checker) environ(field string, vars map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		c.check(!strings.Contains(name+vars[name], "\x00"), field, "%s %q contains a null character", lastOf(field), name)
	}
}

// warnf notes a warning about a field of the block.
func (c *checker) warnf(field, format string, args ...any) {
	*c.warned = append(*c.warned, FieldError{Path: string(c.path(field)), Message: fmt.Sprintf(format, args...)})
}

// within checks a nested block; what it finds becomes one text with the prefix.
func (c *checker) within(at fieldPath, prefix string, inner func(*checker)) {
	child := &checker{at: at, fields: c.fields, warned: c.warned}
	inner(child)
	if len(child.texts) > 0 {
		c.texts = append(c.texts, prefix+": "+aggregate(child.texts))
	}
}

// under checks a nested block whose mistakes are listed with those of the block itself.
func (c *checker) under(at fieldPath, inner func(*checker)) {
	child := &checker{at: at, fields: c.fields, warned: c.warned}
	inner(child)
	c.texts = append(c.texts, child.texts...)
}

// oneOf notes a mistake unless the value is one of the allowed ones.
func (c *checker) oneOf(field, value string, allowed ...string) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = strconv.Quote(a)
	}
	c.failf(field, "Invalid %s %q: must be one of %s", lastOf(field), value, strings.Join(quoted, ", "))
	return false
}

// atLeast notes a mistake unless the value reaches the minimum.
func atLeast[T cmp.Ordered](c *checker, field string, value, minimum T) bool {
	if value >= minimum {
		return true
	}
	c.failf(field, "%s must be at least %v, got %v", lastOf(field), minimum, value)
	return false
}

// lastOf returns the last part of a field path.
func lastOf(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

// unique notes a mistake for every name that was seen before.
func (c *checker) unique(what string, names []string) {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			c.failf("", "%s %q redefined", what, name)
		}
		seen[name] = true
	}
}
