// SPDX-License-Identifier: MPL-2.0

//go:build unix

package rawexec

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/base"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	ranges, err := parseRanges(" 0, 100-200 ,4294967295")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]bool{
		-1: false, 0: true, 1: false, 99: false, 100: true, 150: true, 200: true, 201: false, 4294967295: true,
	} {
		if got := ranges.contains(id); got != want {
			t.Errorf("%d is denied: %t", id, got)
		}
	}
	if none, err := parseRanges(" "); err != nil || none.contains(0) {
		t.Errorf("an empty list denies something, %v", err)
	}
	for _, bad := range []string{"a", "1-", "-1", "2-1", "1,,2", "1-2-3", "4294967296"} {
		if got, err := parseRanges(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestTaskConfig(t *testing.T) {
	t.Parallel()
	good := taskConfig{Command: "c"}
	if err := good.validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*taskConfig){
		"command":               func(c *taskConfig) { c.Command = "" },
		"only one of":           func(c *taskConfig) { c.CgroupV2Override, c.CgroupV1Override = "a", map[string]string{"b": "c"} },
		"oom_score_adj must be": func(c *taskConfig) { c.OOMScoreAdj = -1 },
		"and 1000, not 1001":    func(c *taskConfig) { c.OOMScoreAdj = 1001 },
		"absolute path":         func(c *taskConfig) { c.WorkDir = "a/b" },
		`pattern "["`:           func(c *taskConfig) { c.DeniedEnv = []string{"["} },
	} {
		c := good
		change(&c)
		if err := c.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	bad := pluginConfig{DeniedHostUIDs: "x", DeniedHostGIDs: "y", DeniedEnv: []string{"["}}
	err := bad.parse()
	for _, want := range []string{"denied_host_uids", "denied_host_gids", "denied_envvars"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"AWS_KEY": "1", "AWS": "2", "PATH": "/bin", "B_TOKEN": "3", "A": ""}
	got := environment(vars, []string{"AWS_*"}, []string{"*_TOKEN", "["})
	if want := []string{"A=", "AWS=2", "PATH=/bin"}; !slices.Equal(got, want) {
		t.Errorf("environment is %q, want %q", got, want)
	}
}

func TestFindCommand(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	local := put("task/local/app", 0o600)
	nested := put("task/local/bin/tool", 0o600)
	top := put("task/top", 0o644)
	put("task/app", 0o755)
	host := put("host/app", 0o755)
	inPath := put("path/onlypath", 0o755)
	plain := put("host/plain", 0o600)
	t.Setenv("PATH", filepath.Join(dir, "path"))
	task := filepath.Join(dir, "task")
	for command, want := range map[string]string{
		"app": local, "bin/tool": nested, "top": top, host: host, "onlypath": inPath, plain: plain,
		"local/app": local, "nothing": "", "/no/such": "", "../host/app": "", "bin": "",
	} {
		got, err := findCommand(task, command)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", command, got, err, want)
		}
	}
	for path, want := range map[string]os.FileMode{local: 0o755, nested: 0o755, top: 0o755, plain: 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", path, st.Mode(), err, want)
		}
	}
}

// TestFindCommandChangesNothingElse checks that a task cannot have the mode of
// another file changed by a link in its directory.
func TestFindCommandChangesNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	task := filepath.Join(dir, "task")
	if err := os.MkdirAll(filepath.Join(task, "local"), 0o700); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(task, "local", "soft")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(victim, filepath.Join(task, "local", "hard")); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"soft", "hard"} {
		if _, err := findCommand(task, command); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if st, err := os.Stat(victim); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the victim has mode %v, %v", st.Mode(), err)
	}
}

func TestResolveUser(t *testing.T) {
	t.Parallel()
	if who, err := resolveUser("", &pluginConfig{}); who != nil || err != nil {
		t.Errorf("no user is %v, %v", who, err)
	}
	if _, err := resolveUser("no-such-user", &pluginConfig{}); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("unknown user: %v", err)
	}
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	for _, config := range []pluginConfig{{uids: idRanges{{uid, uid}}}, {gids: idRanges{{gid, gid}}}} {
		if _, err := resolveUser("", &config); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("the agent's own user is denied: %v", err)
		}
	}
	testkit.Need(t, "root")
	for _, name := range []string{"nobody", "65534"} {
		who, err := resolveUser(name, &pluginConfig{})
		if err != nil || who.UID != 65534 {
			t.Errorf("%s is %+v, %v", name, who, err)
		}
	}
	if _, err := resolveUser("nobody", &pluginConfig{uids: idRanges{{65000, 66000}}}); err == nil {
		t.Error("a denied user may run")
	}
	if who, err := resolveUser("root", &pluginConfig{}); err != nil || who != nil {
		t.Errorf("root as root is %v, %v", who, err)
	}
	if _, err := resolveUser("nobody", &pluginConfig{gids: idRanges{{0, 0}}}); err != nil {
		t.Errorf("nobody is in group 0: %v", err)
	}
}

// TestSample checks rates against totals that are given.
func TestSample(t *testing.T) {
	t.Parallel()
	topology := &base.Topology{Cores: []base.Core{{BaseSpeed: 1000}, {BaseSpeed: 3000}}}
	at := time.Unix(100, 0)
	first := &shim.Usage{
		At:    at,
		Total: shim.ProcessUsage{User: 4 * time.Second, System: time.Second, RSS: 10},
		PIDs:  map[int]shim.ProcessUsage{7: {User: time.Second, RSS: 10}},
	}
	second := &shim.Usage{
		At:    at.Add(2 * time.Second),
		Total: shim.ProcessUsage{User: 5 * time.Second, System: time.Second + 500*time.Millisecond, RSS: 30},
		PIDs: map[int]shim.ProcessUsage{
			7: {User: 2 * time.Second, RSS: 10},
			8: {User: 50 * time.Second, RSS: 20},
		},
		Grouped: true, Cache: 1, Swap: 2, InUse: 3, MaxInUse: 4,
		Throttled: true, ThrottledPeriods: 5, ThrottledTime: 6,
	}
	a := newSample(nil, first, topology)
	if cpu := a.Usage.CPU; cpu.Percent != 0 || cpu.TotalTicks != 0 || a.Usage.Memory.RSS != 10 {
		t.Errorf("the first sample is %+v", a.Usage)
	}
	b := newSample(first, second, topology)
	cpu := b.Usage.CPU
	if cpu.UserMode != 50 || cpu.SystemMode != 25 || cpu.Percent != 75 || cpu.TotalTicks != 1500 ||
		cpu.ThrottledPeriods != 5 || cpu.ThrottledTime != 6 || len(cpu.Measured) != 5 {
		t.Errorf("processor usage is %+v", cpu)
	}
	if m := b.Usage.Memory; m.RSS != 30 || m.Cache != 1 || m.Swap != 2 || m.Usage != 3 || m.MaxUsage != 4 || len(m.Measured) != 5 {
		t.Errorf("memory usage is %+v", m)
	}
	if b.Pids["7"].CPU.Percent != 50 || b.Pids["8"].CPU.Percent != 0 || b.Pids["8"].Memory.RSS != 20 {
		t.Errorf("processes use %+v and %+v", b.Pids["7"], b.Pids["8"])
	}
	// Processes may take their figures with them.
	if c := newSample(second, first, topology); c.Usage.CPU.Percent != 0 {
		t.Errorf("usage is negative: %+v", c.Usage.CPU)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var kept tail
	for i := range 3000 {
		_, _ = kept.Write([]byte{byte('a' + i%26), '\n'})
	}
	if got := kept.bytes(); len(got) != maxExecOutput || got[len(got)-2] != byte('a'+2999%26) {
		t.Errorf("%d bytes are kept, ending in %q", len(got), got[len(got)-2:])
	}
}
