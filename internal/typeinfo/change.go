// SPDX-License-Identifier: MPL-2.0

package typeinfo

import "reflect"

// Change is what a difference between two versions of a value means for what runs on it.
type Change uint8

// Change classes, the larger one wins.
const (
	Unchanged Change = iota
	InPlace
	Destructive
)

// ChangeOf returns the class of the change from old to new by the change tags of the struct T. Fields
// tagged "-" or not at all do not count.
func ChangeOf[T any](old, new *T) Change {
	if old == nil || new == nil {
		if old == new {
			return Unchanged
		}
		return Destructive
	}
	return changeOf(reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem())
}

func changeOf(old, new reflect.Value) Change {
	switch old.Kind() {
	case reflect.Pointer:
		if old.IsNil() || new.IsNil() {
			if old.IsNil() == new.IsNil() {
				return Unchanged
			}
			return Destructive
		}
		return changeOf(old.Elem(), new.Elem())
	case reflect.Slice:
		if old.Len() != new.Len() {
			return Destructive
		}
		class := Unchanged
		for i := range old.Len() {
			class = max(class, changeOf(old.Index(i), new.Index(i)))
		}
		return class
	case reflect.Struct:
		return changeOfStruct(old, new)
	}
	if EqualValues(old, new) {
		return Unchanged
	}
	return Destructive
}

func changeOfStruct(old, new reflect.Value) Change {
	class := Unchanged
	for i := range Of(old.Type()).Fields {
		f := &Of(old.Type()).Fields[i]
		if f.change == "" || f.change == "-" {
			continue
		}
		a, b := old.FieldByIndex(f.Index), new.FieldByIndex(f.Index)
		switch f.change {
		case "within":
			class = max(class, changeOf(a, b))
		case "destructive":
			if !EqualValues(a, b) {
				return Destructive
			}
		default:
			if class < InPlace && !EqualValues(a, b) {
				class = InPlace
			}
		}
	}
	return class
}
