// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	ct "github.com/hashicorp/consul-template/template"
)

// A few characters of a template can describe more work or text than any machine has: a loop of a billion, a text
// repeated as often, a map that holds itself. They are rendered in the agent, so all of that is bounded, far above what a
// configuration file needs.
const (
	maxOutput = 64 << 20  // bytes that a template renders, four times the largest file that it can read
	maxValue  = 64 << 20  // bytes of one value
	maxKept   = 256 << 20 // bytes of the texts and lists that variables take from functions
	partSize  = 16        // bytes a part of a value counts for, besides its text
	maxDepth  = 1000      // values in each other

	// maxTime is how long one rendering may take.
	maxTime = 20 * time.Second
)

var (
	errTime   = fmt.Errorf("it takes longer than %v", maxTime)
	errOutput = fmt.Errorf("it renders more than %d bytes", maxOutput)
	errValue  = fmt.Errorf("a value is bigger than %d bytes or holds itself", maxValue)
	errKept   = fmt.Errorf("its variables hold more than %d bytes", maxKept)
	errLong   = fmt.Errorf("the result would be bigger than %d bytes", maxValue)
)

// guard bounds one rendering. watch has templates call its functions, which end them with an error.
type guard struct {
	ctx    context.Context // ends with the rendering
	ends   time.Time
	output int
	kept   int
	// err is why the rendering was ended.
	err error
}

// functions are those that the text of watch calls.
func (g *guard) functions() map[string]any {
	return map[string]any{
		nameText: func(size int) (string, error) { return "", g.write(size) },
		nameOut: func(v reflect.Value) (reflect.Value, error) {
			size := measure(v, maxOutput)
			if size > maxOutput {
				return v, g.fail(errOutput)
			}
			return v, g.write(size)
		},
		namePass: func(v reflect.Value) (reflect.Value, error) { return v, g.look(v) },
		nameKeep: func(v reflect.Value) (reflect.Value, error) {
			g.kept += shallow(v)
			if g.kept > maxKept {
				return v, g.fail(errKept)
			}
			return v, g.look(v)
		},
	}
}

func (g *guard) fail(err error) error {
	if g.err == nil {
		g.err = err
	}
	return g.err
}

// check ends the rendering with its task, its time or an earlier error.
func (g *guard) check() error {
	switch {
	case g.err != nil:
		return g.err
	case g.ctx.Err() != nil:
		return g.fail(errStopped)
	case !time.Now().Before(g.ends):
		return g.fail(errTime)
	}
	return nil
}

// write counts what is rendered.
func (g *guard) write(size int) error {
	if g.output += size; g.output > maxOutput {
		return g.fail(errOutput)
	}
	return g.check()
}

// look refuses values that are too big for functions and for the printer, which would not end with those that hold
// themselves.
func (g *guard) look(v reflect.Value) error {
	if measure(v, maxValue) > maxValue {
		return g.fail(errValue)
	}
	return g.check()
}

// measure returns what a value counts for. One of more than limit is not looked at to its end.
func measure(v reflect.Value, limit int) int {
	if v.Kind() == reflect.String {
		return v.Len()
	}
	left := limit
	deduct(v, &left, maxDepth)
	return limit - left
}

// deduct takes the size of a value from what is left, until nothing is.
func deduct(v reflect.Value, left *int, depth int) {
	if depth == 0 {
		*left = -1
	}
	if *left < 0 {
		return
	}
	*left -= partSize
	switch v.Kind() {
	case reflect.String:
		*left -= v.Len()
	case reflect.Interface, reflect.Pointer:
		if v.Type() != reflect.TypeFor[*scratch]() { // its values were looked at
			deduct(v.Elem(), left, depth-1)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			*left -= v.Len()
			return
		}
		for i := 0; i < v.Len() && *left >= 0; i++ {
			deduct(v.Index(i), left, depth-1)
		}
	case reflect.Map:
		for it := v.MapRange(); *left >= 0 && it.Next(); {
			deduct(it.Key(), left, depth-1)
			deduct(it.Value(), left, depth-1)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			deduct(field, left, depth-1)
		}
	default:
	}
}

// shallow is the size of a text or list, without what is in that: it may be that of others too.
func shallow(v reflect.Value) int {
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Slice:
		return v.Len() * int(v.Type().Elem().Size())
	default:
		return 0
	}
}

// scratch is consul-template's, with maps that do not hold themselves.
type scratch struct {
	ct.Scratch
	guard *guard
}

// MapSet sets a value of a map.
func (s *scratch) MapSet(k, mk string, v any) (string, error) {
	text, err := s.Scratch.MapSet(k, mk, v)
	return text, errors.Join(err, s.guard.look(reflect.ValueOf(s.Get(k))))
}

// MapSetX sets a value of a map that has none.
func (s *scratch) MapSetX(k, mk string, v any) (string, error) {
	text, err := s.Scratch.MapSetX(k, mk, v)
	return text, errors.Join(err, s.guard.look(reflect.ValueOf(s.Get(k))))
}
