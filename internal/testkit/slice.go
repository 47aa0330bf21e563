// SPDX-License-Identifier: MPL-2.0

package testkit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Slice makes a control group of version 2 in which tests may make groups that limit memory, processes and
// processor time, as the agent makes one for its tasks; it returns the path, empty where the machine has version 1.
func Slice(t testing.TB) string {
	t.Helper()
	Need(t, "cgroups")
	if _, err := os.Stat(filepath.Join(groups, "cgroup.controllers")); err != nil {
		return ""
	}
	dir := filepath.Join(groups, "nomadlike-test.slice")
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	for _, parent := range []string{groups, dir} {
		for _, controller := range []string{"+cpuset", "+cpu", "+memory", "+pids"} {
			if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte(controller), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
