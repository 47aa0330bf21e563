// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronField says what one field of a cron expression takes.
type cronField struct {
	name     string
	min, max int
	names    []string // names[i] stands for min + i
	day      byte     // 'm' day of month, 'w' day of week: L, W, # rules
}

var (
	cronSeconds = cronField{name: "seconds", max: 59}
	cronFields  = []cronField{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day-of-month", min: 1, max: 31, day: 'm'},
		{name: "month", min: 1, max: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{name: "day-of-week", max: 7, names: strings.Fields("sun mon tue wed thu fri sat"), day: 'w'},
		{name: "year", min: 1970, max: 2099},
	}
	cronMacros = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"}
)

// checkCron checks a cron expression against the grammar of jobspec.md 4.2: five fields, six with a
// trailing year, seven with leading seconds; further fields are ignored.
func checkCron(spec string) error {
	spec = strings.TrimSpace(spec)
	if strings.HasPrefix(spec, "@") {
		if slices.Contains(cronMacros, strings.ToLower(spec)) {
			return nil
		}
		return fmt.Errorf("unknown macro, there are %s", strings.Join(cronMacros, " "))
	}
	texts := strings.Fields(spec)
	if len(texts) < 5 {
		return fmt.Errorf("missing fields: 5 are needed (minute hour day-of-month month day-of-week), got %d", len(texts))
	}
	rules := cronFields[:min(len(texts), 6)]
	if len(texts) >= 7 {
		rules = append([]cronField{cronSeconds}, cronFields...)
	}
	for i, rule := range rules {
		for part := range strings.SplitSeq(strings.ToLower(texts[i]), ",") {
			if !rule.accepts(part) {
				return fmt.Errorf("bad %s %q", rule.name, texts[i])
			}
		}
	}
	return nil
}

// accepts checks one element of a list: *, ?, n, a-b, each with an optional /step, or a day rule.
func (f cronField) accepts(part string) bool {
	if f.acceptsDayRule(part) {
		return true
	}
	base, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 {
			return false
		}
	}
	if base == "*" || base == "?" && f.day != 0 {
		return true
	}
	from, to, isRange := strings.Cut(base, "-")
	a, ok := f.value(from)
	if !ok || !isRange {
		return ok
	}
	b, ok := f.value(to)
	return ok && a <= b
}

// acceptsDayRule knows L, LW and 15W of the month, 5L and 5#3 of the week.
func (f cronField) acceptsDayRule(part string) bool {
	switch f.day {
	case 'm':
		if part == "l" || part == "lw" {
			return true
		}
		day, found := strings.CutSuffix(part, "w")
		_, ok := f.value(day)
		return found && ok
	case 'w':
		if day, found := strings.CutSuffix(part, "l"); found {
			_, ok := f.value(day)
			return ok
		}
		if day, week, found := strings.Cut(part, "#"); found {
			n, err := strconv.Atoi(week)
			_, ok := f.value(day)
			return ok && err == nil && n >= 1 && n <= 5
		}
	}
	return false
}

func (f cronField) value(text string) (int, bool) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.min && n <= f.max
}
