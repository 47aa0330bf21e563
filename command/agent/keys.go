// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"reflect"
	"slices"
	"strings"
)

// Key is one key of the configuration files.
type Key struct {
	// Path is where it stands, block by block, without the labels of blocks: client.host_volume.path.
	Path string
	// Live keys are applied by a reload; the others need a restart.
	Live bool
	// Unserved is why nothing acts on the key, empty for a key that works. Accepts are the values that an unserved key may
	// have all the same, "*" for all; every other one is an error that names the key with file and line.
	Unserved string
	Accepts  []string
}

// Instead says what to do with an unserved key: "it may be false", or "remove it".
func (k Key) Instead() string {
	values := slices.DeleteFunc(slices.Clone(k.Accepts), func(v string) bool { return v == "" })
	if len(values) == 0 {
		return "remove it"
	}
	return "it may be " + strings.Join(values, " or ")
}

// Keys returns every key that is known, those that nothing acts on included, in order of their paths. A block stands for
// itself only where nothing is said of what is in it.
func Keys() []Key {
	keys := keysBelow(reflect.TypeFor[Config](), "", false)
	for path, u := range unservedKeys {
		keys = append(keys, Key{Path: path, Unserved: u.why, Accepts: u.accepts})
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.Path, b.Path) })
	return keys
}

func keysBelow(t reflect.Type, path string, live bool) []Key {
	var keys []Key
	for _, f := range fieldsOf(t) {
		field := t.FieldByIndex(f.index)
		live, at := live || field.Tag.Get("live") == "true", join(path, f.name)
		switch f.kind {
		case kindLabel:
		case kindBlock, kindList, kindLabelled:
			inner := field.Type
			for inner.Kind() != reflect.Struct {
				inner = inner.Elem()
			}
			keys = append(keys, keysBelow(inner, at, live)...)
		default:
			keys = append(keys, Key{Path: at, Live: live})
		}
	}
	return keys
}
