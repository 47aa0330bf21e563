// SPDX-License-Identifier: MPL-2.0

//go:build linux

package java

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":      func() { plugins.Serve(New(plugins.Logger())) },
		shim.Argument: shim.Main,
	})
}

// source is the program of the tests.
const source = `
public class T {
	public static void main(String[] a) throws Exception {
		switch (a[0]) {
		case "exit": System.exit(Integer.parseInt(a[1]));
		case "print": System.out.print(a[1]); System.out.flush(); System.err.print(a[2]); return;
		case "run": while (true) Thread.sleep(1000);
		case "env": System.out.println(System.getenv("NOMAD_TASK_NAME") + " " + System.getProperty("p") + " " + System.getProperty("user.name")); return;
		}
	}
}`

// compiled is a directory with the compiled program.
func compiled(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "jt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "T.java"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("javac", "-d", dir, filepath.Join(dir, "T.java")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts", "cgroups", "javac")
	dir := compiled(t)
	program := func(args ...string) drivertest.Config {
		list := []any{}
		for _, a := range args {
			list = append(list, a)
		}
		return drivertest.Config{
			"class": "T", "class_path": "/classes", "args": list, "jvm_options": []any{"-Xmx16m", "-Xshare:auto", "-XX:TieredStopAtLevel=1"},
		}
	}
	drivertest.Run(t, drivertest.Harness{
		Name: Name,
		Setup: func(t testing.TB, config *drivers.TaskConfig) {
			config.Env["NOMAD_ALLOC_DIR"], config.Env["NOMAD_TASK_DIR"], config.Env["NOMAD_SECRETS_DIR"] = "/alloc", "/local", "/secrets"
			config.Mounts = []*drivers.Mount{{HostPath: dir, TaskPath: "/classes", Readonly: true}}
			place := shim.Place{Base: config.AllocDir, Names: []string{config.Name, "private", "shim-" + path.Base(config.ID)}}
			t.Cleanup(func() {
				if err := shim.Reclaim(context.Background(), place); err != nil {
					t.Error(err)
				}
			})
		},
		Exit: func(code int) drivertest.Config { return program("exit", fmt.Sprint(code)) },
		// The first process of a namespace ignores signals that it does not
		// handle yet, and a virtual machine takes its time.
		Run: func() drivertest.Config {
			config := program("run")
			config["pid_mode"] = "host"
			return config
		},
		Print:          func(stdout, stderr string) drivertest.Config { return program("print", stdout, stderr) },
		Invalid:        func() drivertest.Config { return drivertest.Config{"args": []any{"x"}} },
		SurvivesPlugin: true,
		Stats:          true,
		Signals:        true,
		Exec:           drivertest.ShellExec(),
	})
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	o := taskConfig{Class: "C", ClassPath: "a:b", JarPath: "x.jar", JVMOptions: []string{"-Xmx1m"}, Args: []string{"1", "2"}}
	if want := []string{"-Xmx1m", "-cp", "a:b", "-jar", "x.jar", "C", "1", "2"}; !slices.Equal(o.arguments(), want) {
		t.Errorf("got %q, want %q", o.arguments(), want)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out := "Picked up _JAVA_OPTIONS: -Xmx1g\nopenjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment (build 17)\nOpenJDK 64-Bit Server VM (build 17)\n"
	if v, r, m := parse(out); v != "17.0.15" || r != "OpenJDK Runtime Environment (build 17)" || m != "OpenJDK 64-Bit Server VM (build 17)" {
		t.Errorf("got %q, %q, %q", v, r, m)
	}
	if v, _, _ := parse("nonsense"); v != "" {
		t.Errorf("got %q", v)
	}
}
