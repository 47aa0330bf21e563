// SPDX-License-Identifier: MPL-2.0

package testkit

import (
	"runtime"
	"testing"
)

// recorder notes what Need did instead of ending the test.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestNeed(t *testing.T) {
	const absent = "no-program-of-this-name"
	for _, test := range []struct {
		name, requireAll, what string
		skipped, failed        bool
	}{
		{"present", "", runtime.GOOS, false, false},
		{"absent", "", absent, true, false},
		{"absent but required", "1", absent, false, true},
	} {
		t.Setenv(RequireAll, test.requireAll)
		r := &recorder{TB: t}
		Need(r, test.what)
		if r.skipped != test.skipped || r.failed != test.failed {
			t.Errorf("%s: skipped %v, failed %v", test.name, r.skipped, r.failed)
		}
	}
}
