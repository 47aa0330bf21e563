// SPDX-License-Identifier: MPL-2.0

package httpdtest

import (
	"strings"
	"testing"
)

func TestDifferences(t *testing.T) {
	recorded := `{"A":1,"B":{"x":"t"},"C":[{"D":"2026-01-01T00:00:00Z","N":null}],"F":1.5,"L":[],"T":true}`
	for _, c := range []struct {
		got   string
		rules Rules
		want  string // a part of each difference, separated by "|"
	}{
		{recorded, Rules{}, ""},
		{`{"A":2,"B":{"x":""},"C":[],"F":2.0,"L":[1],"T":false}`, Rules{}, ""},
		{`{"B":{"x":"t"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{}, "A: is missing"},
		{`{"B":{"x":"t"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{Optional: []string{"A"}}, ""},
		{`{"A":1,"Z":1,"B":{"x":"t"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{}, "Z: is not in the recording"},
		{`{"A":null,"B":{"x":"t"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{}, "A: is null"},
		{`{"A":null,"B":{"x":"t"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{Null: []string{"**.A"}}, ""},
		{`{"A":1.5,"B":{"x":"t"},"C":[],"F":1,"L":null,"T":"true"}`, Rules{}, "A: is a float|F: is a integer|L: is null|T: is a string"},
		{`{"A":1,"B":{"y":"t","z":"u"},"C":[],"F":1.5,"L":[],"T":true}`, Rules{Open: []string{"B"}}, ""},
		{`{"A":1,"B":{"y":1},"C":[],"F":1.5,"L":[],"T":true}`, Rules{Open: []string{"B"}}, "B.*: is a integer"},
		{`{"A":1,"B":[],"C":{},"F":1.5,"L":[],"T":true}`, Rules{}, "B: is []|C: is {}"},
		{`{"A":1,"B":{"x":"t"},"C":[{"D":"no time","N":4}],"F":1.5,"L":[],"T":true}`, Rules{}, "C.[].D: is a string"},
		{`{"A":1,"B":{"x":"t"},"C":[{"D":4,"N":4}],"F":1.5,"L":[],"T":true}`, Rules{Skip: []string{"C"}}, ""},
		{`nope`, Rules{}, "no JSON"},
	} {
		found := Differences([]byte(recorded), []byte(c.got), c.rules)
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		if len(found) != len(want) {
			t.Errorf("%s: found %q, want %q", c.got, found, want)
			continue
		}
		for i := range want {
			if !strings.Contains(found[i], want[i]) {
				t.Errorf("%s: found %q, want %q", c.got, found[i], want[i])
			}
		}
	}
}
