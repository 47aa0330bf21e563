// SPDX-License-Identifier: MPL-2.0

package typeinfo

import "testing"

// TestHole: a null is a hole where an object of a list or a map should be, and nowhere else.
func TestHole(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: "",
		`{"Sparse":null,"Children":null,"Named":null,"Any":{"a":null},"Dynamic":[null],"When":null}`: "",
		`{"Children":[{"Name":"a"},null]}`:                                          "Children[1]",
		`{"Named":{"one":{"A":"1"},"none":null}}`:                                   "Named.none",
		`{"Children":[{"Children":[{"Named":{"x":null}}]}]}`:                        "Children[0].Children[0].Named.x",
		`{"Children":[{"Sparse":{"Ptr":null}}],"Strings":{"a":null},"Ints":[null]}`: "",
	} {
		var v everything
		if err := Unmarshal([]byte(in), &v); err != nil {
			t.Fatal(in, err)
		}
		if got := Hole(&v); got != want {
			t.Errorf("%s has a hole at %q, want %q", in, got, want)
		}
	}
	list := []*everything{{}, nil}
	if got := Hole(&list); got != "[1]" {
		t.Errorf("a list has a hole at %q", got)
	}
	claims := struct {
		Allocs map[string]*inner `api:"nulls"`
	}{map[string]*inner{"x": nil}}
	if got := Hole(&claims); got != "" {
		t.Errorf("a null that may be is a hole at %q", got)
	}
	named := map[string]*inner{"x": nil}
	if got := Hole(&named); got != "x" {
		t.Errorf("a map has a hole at %q", got)
	}
}
