// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestOperators(t *testing.T) {
	node := &api.Node{
		ID: "id-1", Name: "node-1", Datacenter: "dc1", NodeClass: "big", NodePool: "gpu",
		Attributes: map[string]string{
			"n": "9", "f": "2.5", "s": "abc", "v": "1.7.2", "beta": "1.3.0-beta1", "set": "a, b,c", "empty": "",
			"unique.x": "u", "bad": "not a version",
		},
		Meta: map[string]string{"rack": "r1", "pattern": "^a"},
	}
	for _, test := range []struct {
		left, operator, right string
		want                  bool
	}{
		{"${attr.s}", "=", "abc", true},
		{"${attr.s}", "", "abc", true},
		{"${attr.s}", "==", "abd", false},
		{"${attr.s}", "is", "abc", true},
		{"${attr.none}", "=", "abc", false},
		{"${attr.s}", "=", "${attr.none}", false},
		{"${attr.s}", "!=", "abc", false},
		{"${attr.s}", "not", "x", true},
		{"${attr.none}", "!=", "abc", true},
		{"${attr.s}", "!=", "${meta.none}", true},
		{"${node.unique.id}", "=", "id-1", true},
		{"${node.unique.name}", "=", "node-1", true},
		{"${node.datacenter}", "=", "dc1", true},
		{"${node.class}", "=", "big", true},
		{"${node.pool}", "=", "gpu", true},
		{"${node.other}", "=", "", false},
		{"${device.model}", "is_set", "", false},
		{"literal", "=", "literal", true},
		{"r1", "=", "${meta.rack}", true},
		{"${attr.n}", "<", "10", true}, // as integers; as text it would not be
		{"${attr.n}", "<=", "9", true},
		{"${attr.n}", ">", "9", false},
		{"${attr.n}", ">=", "9", true},
		{"${attr.f}", ">", "2", true},
		{"${attr.f}", "<", "10.1", true},
		{"${attr.s}", "<", "abd", true},
		{"${attr.none}", "<", "1", false},
		{"${attr.v}", "version", ">= 1.0, < 2.0", true},
		{"${attr.v}", "version", "~> 1.7", true},
		{"${attr.v}", "version", "> 1.8", false},
		{"${attr.beta}", "version", ">= 0.6.1", false}, // a prerelease does not satisfy a release
		{"${attr.beta}", "version", ">= 1.3.0-alpha", true},
		{"${attr.bad}", "version", ">= 0", false},
		{"${attr.v}", "version", "what", false},
		{"${attr.none}", "version", ">= 0", false},
		{"${attr.beta}", "semver", ">= 0.6.1", true},
		{"${attr.beta}", "semver", ">= 1.3.0", false},
		{"${attr.beta}", "semver", "< 1.3.0", true},
		{"${attr.v}", "semver", "1.7.2", true},
		{"${attr.v}", "semver", "= 1.7.2", true},
		{"${attr.v}", "semver", "!= 1.7.2", false},
		{"${attr.v}", "semver", "> 1.7.1, <= 1.7.2", true},
		{"${attr.v}", "semver", "~> 1.7", false},
		{"${attr.v}", "semver", "", false},
		{"${attr.s}", "regexp", "b", true},
		{"${attr.s}", "regexp", "^b", false},
		{"${attr.s}", "regexp", "${meta.pattern}", true},
		{"${attr.s}", "regexp", "(", false},
		{"${attr.none}", "regexp", "", false},
		{"${attr.set}", "set_contains", "c , a", true},
		{"${attr.set}", "set_contains", "a,z", false},
		{"${attr.set}", "set_contains_all", "b", true},
		{"${attr.set}", "set_contains_any", "z,b", true},
		{"${attr.set}", "set_contains_any", "z", false},
		{"${attr.none}", "set_contains_any", "", false},
		{"${attr.empty}", "is_set", "", true},
		{"${attr.none}", "is_set", "", false},
		{"${attr.none}", "is_not_set", "", true},
		{"${attr.s}", "is_not_set", "", false},
		{"${attr.s}", "unheard-of", "abc", false},
	} {
		for _, cache := range []*Cache{nil, NewCache()} {
			c := NewCondition(test.left, test.operator, test.right, cache)
			for range 2 {
				if got := c.Holds(node); got != test.want {
					t.Errorf("%s = %v, want %v", c.Text(), got, test.want)
				}
			}
		}
	}
}

func TestUniqueTargetsEscape(t *testing.T) {
	for text, want := range map[string]bool{
		"${node.unique.id}": true, "${node.unique.name}": true, "${attr.unique.hostname}": true,
		"${meta.unique.x}": true, "${attr.kernel.name}": false, "${node.datacenter}": false, "unique.": false,
	} {
		if got := NewCondition(text, "=", "x", nil).IsUnique(); got != want {
			t.Errorf("left %s: unique = %v", text, got)
		}
		if got := NewCondition("x", "=", text, nil).IsUnique(); got != want {
			t.Errorf("right %s: unique = %v", text, got)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"*", "dc1", true},
		{"dc1", "dc1", true},
		{"dc1", "dc12", false},
		{"dc*", "dc1", true},
		{"dc*", "adc1", false},
		{"*1", "dc1", true},
		{"*1", "dc12", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "aXcYb", false},
		{"a**c", "ac", true},
		{"", "", true},
		{"", "x", false},
		{"ab*ba", "aba", false},
	} {
		if got := matchGlob(test.pattern, test.text); got != test.want {
			t.Errorf("matchGlob(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := NewCache()
	for i := range 3 * cacheLimit {
		if c.regexp(string(rune('a'+i%26))+string(rune(0x4e00+i))) == nil {
			t.Fatal("does not compile")
		}
	}
	if n := len(c.mu.regexps); n > cacheLimit {
		t.Errorf("%d expressions kept", n)
	}
}
