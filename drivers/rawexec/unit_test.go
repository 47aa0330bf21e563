// SPDX-License-Identifier: MPL-2.0

//go:build unix

package rawexec

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
	local := put("alloc/task/local/app", 0o600)
	nested := put("alloc/task/local/bin/tool", 0o600)
	top := put("alloc/task/top", 0o644)
	put("alloc/task/app", 0o755)
	own := put("alloc/task/local/fetched", 0o644)
	shared := put("alloc/alloc/data/tool", 0o644)
	host := put("host/app", 0o755)
	inPath := put("path/onlypath", 0o755)
	plain := put("host/plain", 0o600)
	t.Setenv("PATH", filepath.Join(dir, "path"))
	alloc, task := filepath.Join(dir, "alloc"), filepath.Join(dir, "alloc", "task")
	for command, want := range map[string]string{
		"app": local, "bin/tool": nested, "top": top, host: host, "onlypath": inPath, plain: plain, own: own, shared: shared,
		"local/app": local, "nothing": "", "/no/such": "", "../host/app": "", "bin": "",
	} {
		got, err := findCommand(alloc, task, command)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", command, got, err, want)
		}
	}
	for path, want := range map[string]os.FileMode{local: 0o755, nested: 0o755, top: 0o755, own: 0o755, shared: 0o755, plain: 0o600} {
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
	alloc, task := filepath.Join(dir, "alloc"), filepath.Join(dir, "alloc", "task")
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
	for _, command := range []string{"soft", "hard", filepath.Join(task, "local", "soft"), filepath.Join(task, "local", "hard")} {
		if _, err := findCommand(alloc, task, command); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if st, err := os.Stat(victim); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the victim has mode %v, %v", st.Mode(), err)
	}
}
