// SPDX-License-Identifier: MPL-2.0

package proc

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const line = `42 (a) b (c) S 1 2 3 0 -1 4194304 97 0 0 0 11 12 13 14 20 0 1 0 555 9000 77 18446744073709551615 1 1 0` + "\n"
	got, err := parse(42, []byte(line))
	want := Stat{
		PID: 42, Parent: 1, Group: 2, Session: 3, StartTime: 555, RSS: 77,
		User: 11, System: 12, ChildUser: 13, ChildSystem: 14,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for threads, zombie := range map[string]bool{"0": true, "1": true, "2": false} {
		ended := strings.Replace(strings.Replace(line, ") S ", ") Z ", 1), " 20 0 1 0 555", " 20 0 "+threads+" 0 555", 1)
		if got, err := parse(42, []byte(ended)); err != nil || got.Zombie != zombie {
			t.Errorf("with %s threads: zombie %t, %v", threads, got.Zombie, err)
		}
	}
	for _, bad := range []string{"", "42 (x", "42 (x) S 1 2"} {
		if got, err := parse(42, []byte(bad)); err == nil {
			t.Errorf("%q was parsed to %+v", bad, got)
		}
	}
}

// TestDescendants compares both ways of finding descendants with a known tree.
func TestDescendants(t *testing.T) {
	child := exec.Command("/bin/sh", "-c", "sleep 3600 & sleep 3600 & echo $! ; wait")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	buf := make([]byte, 16)
	if _, err := out.Read(buf); err != nil {
		t.Fatal(err)
	}
	found, err := Descendants(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	scanned := below(all, child.Process.Pid)
	pids := func(list []Stat) (pids []int) {
		for _, p := range list {
			pids = append(pids, p.PID)
		}
		slices.Sort(pids)
		return pids
	}
	if a, b := pids(found), pids(scanned); len(a) != 2 || !slices.Equal(a, b) {
		t.Errorf("descendants are %v, and %v by another way", a, b)
	}
	if own, err := Descendants(os.Getpid()); err != nil || !slices.Contains(pids(own), child.Process.Pid) {
		t.Errorf("own descendants are %v, %v", pids(own), err)
	}
	for _, p := range found {
		if process, err := os.FindProcess(p.PID); err == nil {
			_ = process.Kill()
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	if first, second := BootID(), BootID(); first == "" || first != second {
		t.Errorf("boot is %q and %q", first, second)
	}
	now, err := StartTime(os.Getpid())
	if err != nil || now <= 0 {
		t.Errorf("start time is %d, %v", now, err)
	}
	child := exec.Command("/bin/true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if at, err := StartTime(child.Process.Pid); err == nil && at < now {
		t.Errorf("a process that is gone started at %d", at)
	}
}
