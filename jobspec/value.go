// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"cmp"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

var durationType = reflect.TypeFor[time.Duration]()

// assign converts val and stores it in dst. Null leaves dst as it is.
func assign(dst reflect.Value, val cty.Value) error {
	if val.IsNull() {
		return nil
	}
	t := dst.Type()
	if t.Kind() == reflect.Pointer {
		elem := reflect.New(t.Elem())
		if err := assign(elem.Elem(), val); err != nil {
			return err
		}
		dst.Set(elem)
		return nil
	}
	if t == durationType {
		dur, err := toDuration(val)
		if err != nil {
			return err
		}
		dst.SetInt(int64(dur))
		return nil
	}
	want, err := ctyType(t)
	if err != nil {
		return err
	}
	val, err = convertTo(val, want)
	if err != nil {
		return err
	}
	if want.IsMapType() {
		val = dropNulls(val)
	}
	return gocty.FromCtyValue(val, dst.Addr().Interface())
}

// ctyType returns the type an attribute of Go type t accepts after conversion.
func ctyType(t reflect.Type) (cty.Type, error) {
	switch t.Kind() {
	case reflect.String:
		return cty.String, nil
	case reflect.Bool:
		return cty.Bool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return cty.Number, nil
	case reflect.Slice:
		elem, err := ctyType(t.Elem())
		return cty.List(elem), err
	case reflect.Map:
		elem, err := ctyType(t.Elem())
		return cty.Map(elem), err
	}
	return cty.NilType, fmt.Errorf("cannot store a job file value in a %s", t)
}

// toDuration reads Go duration text, or a number of nanoseconds.
func toDuration(val cty.Value) (time.Duration, error) {
	if val.Type() == cty.String {
		return time.ParseDuration(val.AsString())
	}
	num, err := convertTo(val, cty.Number)
	if err != nil {
		return 0, fmt.Errorf("a duration such as \"1h30m\" or a number of nanoseconds is required")
	}
	var ns int64
	if err := gocty.FromCtyValue(num, &ns); err != nil {
		return 0, err
	}
	return time.Duration(ns), nil
}

// truncate drops the fraction of a number or numeric text; other values stay as they are.
func truncate(val cty.Value) cty.Value {
	num, err := convertTo(val, cty.Number)
	if err != nil || num.IsNull() {
		return val
	}
	whole, _ := num.AsBigFloat().Int(nil)
	if whole == nil {
		return val // infinity
	}
	return cty.NumberVal(new(big.Float).SetInt(whole))
}

// dropNulls removes the null elements of a map: null means unset.
func dropNulls(val cty.Value) cty.Value {
	kept := map[string]cty.Value{}
	for k, v := range val.AsValueMap() {
		if !v.IsNull() {
			kept[k] = v
		}
	}
	if len(kept) == 0 {
		return cty.MapValEmpty(val.Type().ElementType())
	}
	return cty.MapVal(kept)
}

// sortedAttributes returns attrs in the order of the file.
func sortedAttributes(attrs hcl.Attributes) []*hcl.Attribute {
	out := make([]*hcl.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hcl.Attribute) int {
		return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte)
	})
	return out
}
