// SPDX-License-Identifier: MPL-2.0

package hclspec

import (
	"fmt"
	"reflect"
	"strconv"
)

// StringMap is the Go form of a list(map(string)) attribute, which is how a
// map can be written both as one block, as repeated blocks and as a list of
// objects. The maps are merged in order, later keys win.
type StringMap map[string]string

// UnmarshalConfig merges a list of maps, or takes a single map.
func (m *StringMap) UnmarshalConfig(value any) error {
	merged, err := mergeMaps[string](value)
	*m = merged
	return err
}

// IntMap is the Go form of a list(map(number)) attribute; see StringMap.
type IntMap map[string]int

// UnmarshalConfig merges a list of maps, or takes a single map.
func (m *IntMap) UnmarshalConfig(value any) error {
	merged, err := mergeMaps[int](value)
	*m = merged
	return err
}

func mergeMaps[T any](value any) (map[string]T, error) {
	var list []any
	switch v := value.(type) {
	case map[string]any:
		list = []any{v}
	case []any:
		list = v
	default:
		return nil, fmt.Errorf("%T is not a list of maps", value)
	}
	merged := map[string]T{}
	for i, element := range list {
		one, ok := element.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("element %s: %T is not a map", strconv.Itoa(i), element)
		}
		for key, raw := range one {
			var typed T
			if err := assign(reflect.ValueOf(&typed).Elem(), raw, key); err != nil {
				return nil, err
			}
			merged[key] = typed
		}
	}
	return merged, nil
}
