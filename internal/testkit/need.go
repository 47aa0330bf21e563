// SPDX-License-Identifier: MPL-2.0

// Package testkit holds what tests of several packages share. Product code does not import it, and it
// imports nothing but the standard library.
package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// RequireAll is the environment variable that, set to 1, turns every skip of Need into a failure.
const RequireAll = "REQUIRE_ALL"

// Need skips the test unless the machine has everything named, saying what is missing:
//
//	root            the test runs as user 0
//	linux, darwin…  the operating system
//	mounts          the permission to mount and to make namespaces, which root in a container lacks
//	cgroups         a writable hierarchy of control groups, of version 1 or 2
//	docker          a docker client and a daemon that answers
//	cni             the CNI plugins in CNIPath, and iptables
//	kernel          an unpacked Debian kernel package in the directory NOMADLIKE_TEST_KERNEL
//	anything else   a program found on PATH
//
// With REQUIRE_ALL=1 a missing part is a failure instead.
func Need(t testing.TB, what ...string) {
	t.Helper()
	for _, name := range what {
		if !has(name) {
			Lacks(t, "%s", name)
		}
	}
}

// Lacks skips the test because of what it needs and the machine lacks, as it found out itself. With REQUIRE_ALL=1 that is a
// failure instead.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv(RequireAll) == "1" {
		t.Fatalf("needs %s, which this machine lacks, and %s=1 allows no skip", what, RequireAll)
	} else {
		t.Skipf("needs %s, which this machine lacks", what)
	}
}

// CNIPath is where Debian installs CNI plugins.
const CNIPath = "/usr/lib/cni"

// groups is where control groups are.
const groups = "/sys/fs/cgroup"

// kernelVariable names a directory with the contents of a Debian kernel package.
const kernelVariable = "NOMADLIKE_TEST_KERNEL"

// mayMount reads whether the process has CAP_SYS_ADMIN.
func mayMount() bool {
	const bit = 21
	status, _ := os.ReadFile("/proc/self/status") // elsewhere there is none
	_, text, _ := strings.Cut(string(status), "\nCapEff:")
	text, _, _ = strings.Cut(text, "\n")
	set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
	return err == nil && set&(1<<bit) != 0
}

func has(name string) bool {
	switch name {
	case "root":
		return os.Geteuid() == 0
	case "linux", "darwin", "windows":
		return runtime.GOOS == name
	case "mounts":
		return mayMount()
	case "cgroups":
		for _, file := range []string{"cgroup.subtree_control", "freezer/cgroup.procs"} {
			f, err := os.OpenFile(filepath.Join(groups, file), os.O_WRONLY, 0)
			if err == nil {
				return f.Close() == nil
			}
		}
		return false
	case "kernel":
		found, err := filepath.Glob(filepath.Join(os.Getenv(kernelVariable), "boot", "vmlinuz-*"))
		return err == nil && len(found) > 0 && os.Getenv(kernelVariable) != ""
	case "cni":
		_, err := os.Stat(filepath.Join(CNIPath, "bridge"))
		return err == nil && has("iptables")
	case "docker":
		return exec.Command("docker", "version").Run() == nil
	}
	_, err := exec.LookPath(name)
	return err == nil
}
