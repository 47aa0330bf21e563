// SPDX-License-Identifier: MPL-2.0

package wire

import "testing"

func TestCollect(t *testing.T) {
	t.Parallel()
	want := Collect{StdoutPrefix: "my task.stdout", StderrPrefix: "my task.stderr", MaxFiles: 3, MaxFileSize: 1 << 40}
	if got, err := DecodeCollect(want.Encode()); err != nil || *got != want {
		t.Errorf("%q is %+v, %v", want.Encode(), got, err)
	}
	for _, bad := range []string{"", "1/2/a", "1/2//b", "1/2/a/", "x/2/a/b", "1/x/a/b", "1/2/a/b/c"} {
		if got, err := DecodeCollect(bad); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}
