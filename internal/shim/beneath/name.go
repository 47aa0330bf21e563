// SPDX-License-Identifier: MPL-2.0

// Package beneath opens directories in places that tasks may write to, without
// ever following a link that a task may have put there.
//
// The shim links it; it imports golang.org/x/sys and nothing large.
package beneath

import "errors"

// ErrName reports something that is not a plain file name.
var ErrName = errors.New("not a plain file name")

// PlainName reports whether name can only mean an entry of the directory that
// it is looked up in.
func PlainName(name string) bool {
	if name == "" || name == "." || name == ".." {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c == '/' || c == '\\' || c == 0 {
			return false
		}
	}
	return true
}
