// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func checkOwner(t *testing.T, path string, uid, gid uint32) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != uid || st.Gid != gid {
		t.Errorf("%s belongs to %d:%d", path, st.Uid, st.Gid)
	}
}

// peek is a child that tells what it can see and do once it is confined.
func peek() {
	var s spec
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		panic(err)
	}
	work, how, err := s.confine()
	if err != nil {
		_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"error": err.Error()})
		return
	}
	seen := map[string]string{"how": how}
	note := func(name string, err error) {
		seen[name] = "yes"
		if err != nil {
			seen[name] = err.Error()
		}
	}
	for _, p := range s.Headers { // paths to read
		_, err := os.ReadFile(p)
		note(p, err)
	}
	adj, err := os.ReadFile("/proc/self/oom_score_adj")
	if err == nil && strings.TrimSpace(string(adj)) != firstToGo {
		err = fmt.Errorf("oom_score_adj is %s", adj)
	}
	note("first to go", err)
	note("write", os.WriteFile(filepath.Join(work, "x"), nil, 0o600))
	note("write usr", os.WriteFile("/usr/x", nil, 0o600))
	note("root again", syscall.Setuid(0))
	_ = json.NewEncoder(os.Stdout).Encode(seen)
}

// TestUmask checks that tasks of any user can read their artifacts where the agent keeps its own files to itself.
func TestUmask(t *testing.T) {
	testkit.Need(t, "root", "linux")
	r := newRig(t, nil)
	r.serve("/app.tgz", tgz(entry{name: "bin/app", body: "x", mode: 0o755}, entry{name: "conf", body: "x"}))
	r.serve("/plain", []byte("x"))
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	for _, source := range []string{"/app.tgz", "/plain"} {
		if err := r.fetch(&Request{Source: source}, "local/a/b"); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]os.FileMode{"a": 0o755, "a/b": 0o755, "a/b/bin": 0o755, "a/b/bin/app": 0o755, "a/b/conf": 0o644, "a/b/plain": 0o644} {
		info, err := os.Stat(r.dir.TaskPath(taskName, allocdir.Local, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info, err, want)
		}
	}
}

func TestSandbox(t *testing.T) {
	testkit.Need(t, "root", "linux")
	r := newRig(t, nil)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	extra := filepath.Join(t.TempDir(), "extra")
	if err := os.WriteFile(extra, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(extra+"2", link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(extra+"2", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	stage, err := r.dir.MakeStage("peek", stageRoot, stageWork, stageWork+"/"+workTmp)
	if err != nil {
		t.Fatal(err)
	}
	s := &spec{Stage: stage.Path(), Isolate: true, Extra: []string{extra, link}, KnownHosts: known, Headers: map[string]string{
		"a": secret, "b": extra, "c": "/etc/hosts", "d": "/etc/shadow", "e": globalKnownHosts, "f": link,
	}}
	s.UID, s.GID = stage.Owner()
	in, _ := json.Marshal(s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "peek")
	cmd.SysProcAttr = attributes(true)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if forbidden(err) {
		testkit.Lacks(t, "the permission to make namespaces: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var seen map[string]string
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]bool{secret: false, extra: true, link: true, globalKnownHosts: true, "/etc/hosts": true, "/etc/shadow": false, "write": true, "first to go": true, "write usr": false, "root again": false} {
		if (seen[name] == "yes") != want {
			t.Errorf("%s: %s", name, seen[name])
		}
	}
	if seen["how"] != "root" {
		t.Errorf("confined by %q: %v", seen["how"], seen)
	}
}

// TestLandlock downloads with nothing but landlock around the process, as agents do that are not root. It builds the
// tests as the agent is built, since landlock needs a program without cgo.
func TestLandlock(t *testing.T) {
	testkit.Need(t, "go")
	dir, err := os.MkdirTemp("", "landlock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // another user runs it
		t.Fatal(err)
	}
	program := filepath.Join(dir, "artifact.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags", "-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), program, "-test.run", "^(TestHTTP|TestLinksInArchives)$")
	run.Dir = dir
	if os.Geteuid() == 0 {
		run.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
