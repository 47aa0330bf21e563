// SPDX-License-Identifier: MPL-2.0

//go:build linux

package exec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/drivers/executor/isolated"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// lookAround prints all that tells a task a name of the machine.
const lookAround = `hostname; uname -n; cat /proc/sys/kernel/hostname /etc/hostname; echo "env $HOSTNAME"
	getent hosts $(hostname) >/dev/null && echo found; tail -n1 /etc/hosts; echo end`

// etc makes a directory that tasks see as /etc, so that the test does not depend on the host's.
func etc(t *testing.T, files map[string]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "etc")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passwd", "group", "nsswitch.conf"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	show(t, map[string]string{dir: "/etc", "/bin": "/bin", "/lib": "/lib", "/lib64": "/lib64", "/usr": "/usr"})
}

// show sets which paths of the host tasks see.
func show(t *testing.T, paths map[string]string) {
	t.Helper()
	shown, err := json.Marshal(paths)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(isolated.RootVariable, string(shown))
}

// TestOwnName checks that a task is not told how the host is called, but finds itself under a name of its own.
func TestOwnName(t *testing.T) {
	w := newWorld(t, nil)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOSTNAME", host)
	etc(t, map[string]string{"hosts": "127.0.0.1 localhost\n10.9.8.7 other " + strings.ToUpper(host) + " # here", "hostname": host + "\n"})
	for _, mode := range []string{"host", "private"} {
		options := script("%s; exec sleep 3600", lookAround)
		options["userns_mode"] = mode
		task := w.task(options)
		task.Env["HOSTNAME"] = host // inherited
		w.start(task)
		await(t, "the output", func() bool { return strings.HasSuffix(logOf(task, "stdout"), "end\n") })
		name := task.AllocID[:13]
		want := strings.Repeat(name+"\n", 4) + "env " + name + "\nfound\n10.9.8.7 " + name + "\nend\n"
		if got := logOf(task, "stdout"); got != want {
			t.Errorf("userns_mode %s: the task printed %q, want %q", mode, got, want)
		}
		result, err := w.driver.ExecTask(w.ctx, task.ID, []string{"/bin/sh", "-c", lookAround}, patience)
		if err != nil || string(result.Stdout) != want {
			t.Errorf("userns_mode %s: the command printed %+v, %v; want %q", mode, result, err, want)
		}
	}

	// What the job sets stays; in the network of a group the task is at another address than the host.
	task := w.task(script(lookAround))
	task.Env["HOSTNAME"] = "mine"
	task.NetworkIsolation = &drivers.NetworkIsolationSpec{Mode: drivers.NetworkIsolationGroup, Path: "/proc/self/ns/net"}
	w.expect(task, "\nenv mine\n", "\n127.0.0.1 "+task.AllocID[:13]+"\n")

	// A volume of the job is not covered.
	volume := filepath.Join(w.dir, "hosts")
	if err := os.WriteFile(volume, []byte("10.0.0.1 volume\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	task = w.task(script(lookAround))
	task.Mounts = []*drivers.Mount{{HostPath: volume, TaskPath: "/etc/hosts"}}
	w.expect(task, "\n10.0.0.1 volume\n", task.AllocID[:13]+"\n")

	// The task overrules the agent.
	for _, settings := range []drivertest.Config{nil, {"default_uts_mode": "host"}} {
		w := newWorld(t, settings)
		options := script(lookAround)
		if settings == nil {
			options["uts_mode"] = "host"
		}
		task := w.task(options)
		task.Env["HOSTNAME"] = host
		w.expect(task, strings.Repeat(host+"\n", 4)+"env "+host+"\n", "\n10.9.8.7 other ")
	}
	options := script("true")
	options["uts_mode"] = "mine"
	if _, _, err := w.driver.StartTask(w.ctx, w.task(options)); err == nil || !strings.Contains(err.Error(), "uts_mode must be") {
		t.Errorf("a wrong mode: %v", err)
	}
	if err := w.configure(drivertest.Config{"default_uts_mode": "x"}); err == nil || !strings.Contains(err.Error(), "default_uts_mode") {
		t.Errorf("a wrong configuration: %v", err)
	}
}

// TestNamesFiles checks the files of names where they are not as usual: a start does not depend on them.
func TestNamesFiles(t *testing.T) {
	w := newWorld(t, nil)
	look := script("%s", "cat /etc/hosts; hostname; ls -A /etc | grep host; echo end")

	// There are none, or they lead somewhere else.
	etc(t, map[string]string{})
	task := w.task(look)
	w.expect(task, task.AllocID[:13]+"\nend\n")
	etc(t, map[string]string{"hosts": ""})
	task = w.task(look)
	w.expect(task, "# the allocation\n127.0.0.1 "+task.AllocID[:13]+"\n", "\nhosts\nend\n")
	task = w.task(look)
	task.Resources.Ports = []*drivers.PortMapping{{Label: "http", Value: 1, HostIP: "0.0.0.0"}, {Label: "admin", Value: 2, HostIP: "10.2.3.4"}}
	w.expect(task, "\n10.2.3.4 "+task.AllocID[:13]+"\n")

	// A file may be shown by itself.
	single := filepath.Join(w.dir, "single")
	if err := os.WriteFile(single, []byte("10.4.5.6 single\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	show(t, map[string]string{single: "/etc/hosts", "/bin": "/bin", "/lib": "/lib", "/lib64": "/lib64", "/usr": "/usr"})
	task = w.task(look)
	w.expect(task, "10.4.5.6 single\n# the allocation\n127.0.0.1 "+task.AllocID[:13]+"\n", "\nhosts\nend\n")

	// Another host than ours has made the root; what the task has put there is not followed and not waited for.
	secret := filepath.Join(w.dir, "secret")
	if err := os.WriteFile(secret, []byte("secret of the host\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, put := range map[string]func(string) error{
		"10.3.2.1 theirs\n# the allocation\n127.0.0.1": func(path string) error { return os.WriteFile(path, []byte("10.3.2.1 theirs\n"), 0o644) },
		"hosts\nend\n": func(path string) error { return os.Symlink(secret, path) },
	} {
		task := w.task(look)
		dir := filepath.Join(task.TaskDir(), "etc")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := put(filepath.Join(dir, "hosts")); err != nil {
			t.Fatal(err)
		}
		got, exit := w.run(task)
		if !strings.Contains(got, want) || strings.Contains(got, "secret of") || !exit.Successful() {
			t.Errorf("the task printed %q, want %q in it; %+v", got, want, exit)
		}
	}

	// An ID that is no UUID makes a name all the same.
	for id, want := range map[string]string{"a_b.c d": "abcd", "-12345678901-2": "12345678901", "..": "localhost"} {
		task := w.task(script("hostname"))
		task.ID, task.AllocID = fmt.Sprintf("%s/web/%d", task.AllocID, len(want)), id
		if got, _ := w.run(task); got != want+"\n" {
			t.Errorf("allocation %q is called %q, want %q", id, got, want)
		}
	}
}
