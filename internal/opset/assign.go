// SPDX-License-Identifier: MPL-2.0

package opset

import (
	"fmt"
	"reflect"
)

// clone returns a pointer to a shallow copy of *msg, so that a sender may reuse its message.
func clone(msg any) any {
	v := reflect.ValueOf(msg)
	c := reflect.New(v.Type().Elem())
	c.Elem().Set(v.Elem())
	return c.Interface()
}

// assign sets *dst to *src; both are pointers of one type.
func assign(dst, src any) error {
	d, s := reflect.ValueOf(dst), reflect.ValueOf(src)
	if d.Type() != s.Type() {
		return fmt.Errorf("stream message is a %s, not a %s", s.Type().Elem(), d.Type().Elem())
	}
	d.Elem().Set(s.Elem())
	return nil
}
