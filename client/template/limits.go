// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// maxWidth is what fmt takes for a width or precision at most.
const maxWidth = 1_000_000

// longest refuses a text of base bytes and size bytes times times.
func longest(base, times, size int) error {
	if base > maxValue || times > 0 && size > (maxValue-base)/times {
		return errLong
	}
	return nil
}

// growing are the functions of the language, of consul-template and of Sprig that can make far more of what they are
// given, with a limit before they do.
func (g *guard) growing() template.FuncMap {
	funcs := template.FuncMap{
		"print":           func(args ...any) (string, error) { return fmt.Sprint(args...), g.check() },
		"println":         func(args ...any) (string, error) { return fmt.Sprintln(args...), g.check() },
		"html":            func(args ...any) (string, error) { return template.HTMLEscaper(args...), g.check() },
		"js":              func(args ...any) (string, error) { return template.JSEscaper(args...), g.check() },
		"urlquery":        func(args ...any) (string, error) { return template.URLQueryEscaper(args...), g.check() },
		"printf":          limited(fmt.Sprintf, limitFormat),
		"loop":            g.loop,
		"indent":          limited(indent, limitIndent),
		"join":            limited(func(sep string, a []string) string { return strings.Join(a, sep) }, limitJoin),
		"split":           limited(split, limitSplit),
		"replaceAll":      limited(func(f, t, s string) string { return strings.ReplaceAll(s, f, t) }, limitReplace),
		"regexReplaceAll": limited(regexReplaceAll, func(a []reflect.Value) error { return limitRegexp(a[0], a[2], a[1]) }),
	}
	for name, limit := range map[string]func([]reflect.Value) error{
		"repeat":                     func(a []reflect.Value) error { return longest(0, int(a[0].Int()), a[1].Len()) },
		"until":                      func(a []reflect.Value) error { return limitSteps(0, a[0].Int(), 1) },
		"untilStep":                  func(a []reflect.Value) error { return limitSteps(a[0].Int(), a[1].Int(), a[2].Int()) },
		"seq":                        limitSeq,
		"indent":                     limitIndent,
		"nindent":                    limitIndent,
		"replace":                    limitReplace,
		"join":                       limitJoin,
		"split":                      limitSplit,
		"splitList":                  limitSplit,
		"wrapWith":                   func(a []reflect.Value) error { return longest(a[2].Len(), a[2].Len(), a[1].Len()) },
		"regexReplaceAll":            func(a []reflect.Value) error { return limitRegexp(a[0], a[1], a[2]) },
		"mustRegexReplaceAll":        func(a []reflect.Value) error { return limitRegexp(a[0], a[1], a[2]) },
		"regexReplaceAllLiteral":     func(a []reflect.Value) error { return limitRegexp(a[0], a[1], a[2]) },
		"mustRegexReplaceAllLiteral": func(a []reflect.Value) error { return limitRegexp(a[0], a[1], a[2]) },
	} {
		funcs["sprig_"+name] = limited(sprigs[name], limit)
	}
	return funcs
}

var sprigs = sprig.HermeticTxtFuncMap()

// limited returns a function that is called only within its limit.
func limited(fn any, limit func([]reflect.Value) error) any {
	f := reflect.ValueOf(fn)
	in := slices.Collect(f.Type().Ins())
	failure := reflect.TypeFor[error]()
	kind := reflect.FuncOf(in, []reflect.Type{f.Type().Out(0), failure}, f.Type().IsVariadic())
	return reflect.MakeFunc(kind, func(args []reflect.Value) []reflect.Value {
		if err := limit(args); err != nil {
			return []reflect.Value{reflect.Zero(kind.Out(0)), reflect.ValueOf(&err).Elem()}
		}
		call := f.Call
		if kind.IsVariadic() {
			call = f.CallSlice
		}
		out := call(args)
		if len(out) == 1 {
			out = append(out, reflect.Zero(failure))
		}
		return out
	}).Interface()
}

// limitFormat is for fmt.Sprintf: every verb may have a width, and name any argument.
func limitFormat(a []reflect.Value) error {
	format := a[0].String()
	verbs, width, args := strings.Count(format, "%"), 0, measure(a[1], maxValue)
	if strings.ContainsAny(format, "*") || wideVerb.MatchString(format) {
		width = 2 * maxWidth
	}
	if strings.Contains(format, "[") {
		width, args = width+args, 0
	}
	return longest(len(format)+args, verbs, width)
}

var wideVerb = regexp.MustCompile(`%[-+ #0]*(\[\d+\])?(\d{5}|\d*\.\d{5})`)

// limitIndent is for (spaces, text).
func limitIndent(a []reflect.Value) error {
	return longest(a[1].Len(), strings.Count(a[1].String(), "\n")+1, max(int(a[0].Int()), 0))
}

// limitReplace is for (old, new, text).
func limitReplace(a []reflect.Value) error {
	return longest(a[2].Len(), strings.Count(a[2].String(), a[0].String()), a[1].Len())
}

// limitJoin is for (separator, list).
func limitJoin(a []reflect.Value) error {
	list, parts := a[1], 1
	if list.Kind() == reflect.Interface {
		list = list.Elem()
	}
	if list.Kind() == reflect.Slice || list.Kind() == reflect.Array {
		parts = list.Len()
	}
	return longest(measure(list, maxValue), parts, a[0].Len())
}

// limitSplit is for (separator, text).
func limitSplit(a []reflect.Value) error {
	return longest(a[1].Len(), strings.Count(a[1].String(), a[0].String())+1, partSize)
}

// limitRegexp is for replacements of which each byte may stand for all of the text, once.
func limitRegexp(pattern, text, replacement reflect.Value) error {
	s, with := text.String(), replacement.String()
	if longest(0, len(s)+1, len(with)) == nil {
		return nil
	}
	re, err := regexp.Compile(pattern.String())
	if err != nil {
		return nil //nolint:nilerr // the function says so
	}
	matches := 0
	re.ReplaceAllStringFunc(s, func(string) string { matches++; return "" })
	if err := longest(len(s), matches, len(with)); err != nil {
		return err
	}
	return longest(len(s)+matches*len(with), strings.Count(with, "$"), len(s))
}

// limitSteps is for numbers in steps.
func limitSteps(start, stop, step int64) error {
	const most = maxValue / partSize
	for _, n := range []int64{start, stop, step} {
		if n >= math.MaxInt64/4 || n <= -math.MaxInt64/4 { // they would pass the end of all numbers
			return errLong
		}
	}
	if step != 0 && (stop-start)/step > most || step != 0 && (stop-start)/step < -most {
		return errLong
	}
	return nil
}

// limitSeq is for what seq takes: the end, the start and the end, or with the step between.
func limitSeq(a []reflect.Value) error {
	n, _ := reflect.TypeAssert[[]int](a[0])
	switch len(n) {
	case 1:
		return limitSteps(1, int64(n[0]), 1)
	case 2:
		return limitSteps(int64(n[0]), int64(n[1]), 1)
	case 3:
		return limitSteps(int64(n[0]), int64(n[2]), int64(n[1]))
	}
	return nil
}

var lineStart = regexp.MustCompile(`(?m)^[^\n]`)

// indent puts spaces before each line that is not empty.
func indent(spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", errors.New("indent value must be a positive integer")
	}
	return lineStart.ReplaceAllString(s, strings.Repeat(" ", spaces)+"$0"), nil
}

func split(sep, s string) []string {
	if s = strings.TrimSpace(s); s == "" {
		return []string{}
	}
	return strings.Split(s, sep)
}

func regexReplaceAll(pattern, with, s string) (string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	return re.ReplaceAllString(s, with), nil
}

// loop counts from 0 or the first of two numbers to before the last, until the rendering ends.
func (g *guard) loop(bounds ...any) (<-chan int64, error) {
	var ends [2]int64
	if len(bounds) != 1 && len(bounds) != 2 {
		return nil, fmt.Errorf("loop: wrong number of arguments, expected 1 or 2, but got %d", len(bounds))
	}
	for i, bound := range bounds {
		v := reflect.ValueOf(bound)
		n, err := int64(0), error(nil)
		switch {
		case v.IsValid() && v.CanInt():
			n = v.Int()
		case v.IsValid() && v.CanUint():
			n = int64(v.Uint())
		case v.Kind() == reflect.String && v.Len() > 0:
			n, err = strconv.ParseInt(v.String(), 10, 64)
		case v.Kind() == reflect.String:
		default:
			return nil, fmt.Errorf("loop: bad argument type: %T", bound)
		}
		if err != nil {
			return nil, fmt.Errorf("parseInt: %w", err)
		}
		ends[i+2-len(bounds)] = n
	}
	next, ctx := make(chan int64), g.ctx
	go func() {
		defer close(next)
		for i := ends[0]; i < ends[1]; i++ {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	return next, nil
}
