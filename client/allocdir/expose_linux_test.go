// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestViews(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	d := newDir(t, newRoot(t), testID, "web")
	base := filepath.Join(t.TempDir(), "mounts")
	v := NewViews(base)
	for range 2 {
		if err := v.Show(d, "web", 80000, 80000); err != nil {
			t.Fatal(err)
		}
	}
	seen := v.Seen(d.id, "web")
	for inside, outside := range map[string]string{
		seen.Shared: d.SharedPath(), seen.Local: d.TaskPath("web", Local), seen.Secrets: d.TaskPath("web", Secrets),
	} {
		a, errA := os.Stat(inside)
		b, errB := os.Stat(outside)
		if errA != nil || errB != nil || !os.SameFile(a, b) {
			t.Errorf("%s is not %s: %v, %v", inside, outside, errA, errB)
		}
	}
	info, err := os.Stat(filepath.Dir(seen.Local))
	if err != nil || info.Mode().Perm() != 0o710 || info.Sys().(*syscall.Stat_t).Uid != 80000 {
		t.Errorf("the view is %v of %v, %v", info.Mode(), info.Sys(), err)
	}
	if err := v.Hide(d.id, "other"); err != nil {
		t.Error(err)
	}
	if err := v.HideAll(d.id); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if _, err := os.Stat(d.TaskPath("web", Local)); err != nil {
		t.Errorf("what was shown is gone: %v", err)
	}
}
