// SPDX-License-Identifier: MPL-2.0

//go:build linux

package exec_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// private is a script that runs in a user namespace.
func private(format string, args ...any) drivertest.Config {
	options := script(format, args...)
	options["userns_mode"] = "private"
	return options
}

// owner returns the user of a file.
func owner(t *testing.T, path string) int {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(st.Sys().(*syscall.Stat_t).Uid)
}

// hostUser returns the user, as the host numbers them, of a process that runs a command.
func hostUser(t *testing.T, command string) int {
	t.Helper()
	found := -1
	await(t, "process "+command, func() bool {
		paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range paths {
			line, _ := os.ReadFile(path)
			if strings.ReplaceAll(strings.TrimRight(string(line), "\x00"), "\x00", " ") != command {
				continue
			}
			status, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
			for line := range strings.Lines(string(status)) {
				if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
					found, _ = strconv.Atoi(strings.Fields(ids)[0])
				}
			}
		}
		return found >= 0
	})
	return found
}

// TestOwnUsers checks what a task in a user namespace is inside and outside.
func TestOwnUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	volume := filepath.Join(w.dir, "volume")
	if err := os.MkdirAll(filepath.Join(volume, "own"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(volume, "own"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	nobody := w.task(private(`
		id -un; cat /proc/self/uid_map | tr -s ' ' | cut -d' ' -f2,4; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
		[ $(ls -d /proc/[0-9]* | wc -l) -lt 8 ] && echo few
		for f in /x /local/x /secrets/x /alloc/x /tmp/x /dev/shm/x /data/own/x; do echo x 2>/dev/null >$f || echo "cannot write $f"; done
		for f in /usr/x /etc/x /alloc/logs/x /sys/x /data-ro/own/x; do echo x 2>/dev/null >$f && echo "wrote $f"; done
		echo o >/dev/stdout; head -c1 /dev/zero | wc -c; ls /sys/class/net | grep -c lo; ls -ld /local | cut -d' ' -f3
		unshare -U true 2>/dev/null && echo "made a namespace"
		echo end`))
	nobody.Mounts = []*drivers.Mount{
		{HostPath: volume, TaskPath: "/data"}, {HostPath: volume, TaskPath: "/data-ro", Readonly: true, Propagation: drivers.PropagationHostToTask},
	}
	got, exit := w.run(nobody)
	want := "nobody\n0 65536\nCapEff:\t00000000a80405fb\nNoNewPrivs:\t1\nSeccomp:\t2\nfew\no\n1\n1\nroot\nend\n"
	if got != want || !exit.Successful() {
		t.Errorf("the task printed %q, want %q; exit %+v", got, want, exit)
	}
	for _, path := range []string{
		filepath.Join(nobody.TaskDir(), "x"), filepath.Join(nobody.SharedDir(), "x"), filepath.Join(volume, "own", "x"),
	} {
		if uid := owner(t, path); uid != 65534 {
			t.Errorf("%s belongs to %d, want the user that the task knows", path, uid)
		}
	}
}

// TestOwnRoot checks that root in a user namespace owns what is the task's and nothing else, and cannot undo what its
// mount namespace keeps from it.
func TestOwnRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	secret := filepath.Join(w.dir, "secret")
	if err := os.WriteFile(secret, []byte("secret of the host\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mark := strconv.Itoa(3600_000000 + os.Getpid())
	root := w.task(private(`
		id -u; stat -c %%U /usr; cat /etc/shadow /proc/kcore 2>/dev/null | head -c1
		umount /alloc/logs /proc/kcore /etc/shadow 2>/dev/null && echo "took away a mount"
		mount -o remount,bind,rw /alloc/logs 2>/dev/null && echo "opened a mount"
		mount -t tmpfs none /tmp 2>/dev/null && echo mounted
		rm -f /alloc/logs/web.stdout.0 2>/dev/null; [ -e /alloc/logs/web.stdout.0 ] || echo "removed the log"
		mknod /tmp/disk b 1 0 2>/dev/null && echo "made a device"
		chown 1000 /local && touch /local/mine && chown 1000 /local/mine && chmod u+s /local/mine; touch /local/done
		exec sleep %s`, mark))
	root.User = "root"
	w.start(root)
	await(t, "the work of the task", func() bool {
		_, err := os.Stat(filepath.Join(root.LocalDir(), "done"))
		return err == nil
	})
	if got := logOf(root, "stdout"); got != "0\nnobody\n" {
		t.Errorf("the task printed %q", got)
	}
	if uid := owner(t, filepath.Join(root.LocalDir(), "mine")); uid != 1000 {
		t.Errorf("the file belongs to %d", uid)
	}
	first := hostUser(t, "sleep "+mark)
	if first < 0x80000 || first%0x10000 != 0 {
		t.Errorf("root of the task is user %d of the host", first)
	}
	t.Run("beside", func(t *testing.T) { besideOwnRoot(t, w, root, first) })

	// A second task has other users.
	again := w.task(private("exec sleep %s1", mark))
	again.User = "root"
	w.start(again)
	if second := hostUser(t, "sleep "+mark+"1"); second == first {
		t.Errorf("both tasks have user %d of the host", second)
	}
}

// besideOwnRoot checks commands that run beside a task in a user namespace.
func besideOwnRoot(t *testing.T, w *world, task *drivers.TaskConfig, first int) {
	result, err := w.driver.ExecTask(w.ctx, task.ID, []string{"sh", "-c", `
		id -u; for n in user mnt pid ipc; do [ $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) ] && echo $n; done
		grep -E 'CapEff|NoNew|Seccomp:' /proc/self/status; grep SigBlk /proc/self/status; cut -c1-4 /proc/1/comm
		ls -l /proc/self/fd | grep -v -E ' [0-3] -> ' | grep -- '->' && echo "inherited something"; touch /local/beside; kill -0 1 && echo may signal`}, patience)
	if err != nil {
		t.Fatal(err)
	}
	want := "0\nuser\nmnt\npid\nipc\nCapEff:\t00000000a80405fb\nNoNewPrivs:\t1\nSeccomp:\t2\nSigBlk:\t0000000000000000\nslee\nmay signal\n"
	if string(result.Stdout) != want || len(result.Stderr) > 0 {
		t.Errorf("the command printed %q and %q, want %q", result.Stdout, result.Stderr, want)
	}
	if uid := owner(t, filepath.Join(task.LocalDir(), "beside")); uid != 0 {
		t.Errorf("its file belongs to %d", uid)
	}
	if first == 0 {
		t.Error("root of the task is root of the host")
	}
	result, err = w.driver.ExecTask(w.ctx, task.ID, []string{"sh", "-c", "kill -TERM $$"}, patience)
	if err != nil || result.Exit.Signal != int(unix.SIGTERM) {
		t.Errorf("a command that ends itself: %+v, %v", result, err)
	}
}

// TestOwnUsersOfVolumeWithMounts checks a volume in which a file system is mounted that cannot show other owners.
func TestOwnUsersOfVolumeWithMounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	volume := filepath.Join(w.dir, "volume")
	below := filepath.Join(volume, "below")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", below, "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(below, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	task := w.task(private("stat -c %%U /data /data/below; touch /data/mine"))
	task.User = "root"
	task.Mounts = []*drivers.Mount{{HostPath: volume, TaskPath: "/data"}}
	w.expect(task, "root\nnobody\n")
	if uid := owner(t, filepath.Join(volume, "mine")); uid != 0 {
		t.Errorf("the file belongs to %d", uid)
	}
}

// TestOwnUsersRefused checks what does not go together with a user namespace.
func TestOwnUsersRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"default_userns_mode": "private"})
	for want, change := range map[string]func(*drivers.TaskConfig){
		"needs pid_mode and ipc_mode": func(task *drivers.TaskConfig) {
			task.DriverConfig = w.task(drivertest.Config{"command": "true", "pid_mode": "host"}).DriverConfig
		},
		"userns_mode must be": func(task *drivers.TaskConfig) {
			task.DriverConfig = w.task(drivertest.Config{"command": "true", "userns_mode": "mine"}).DriverConfig
		},
		"bidirectional": func(task *drivers.TaskConfig) {
			task.Mounts = []*drivers.Mount{{HostPath: w.dir, TaskPath: "/data", Propagation: drivers.PropagationBidirectional}}
		},
	} {
		task := w.task(drivertest.Config{"command": "true"})
		change(task)
		if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		} else if drivers.IsRecoverable(err) {
			t.Errorf("%q counts as worth another try", want)
		}
	}
	// The task overrules the agent.
	w.expect(w.task(drivertest.Config{"command": "/bin/sh", "args": []any{"-c", "echo $(cat /proc/self/uid_map)"}, "userns_mode": "host"}), "0 0 4294967295\n")
	if err := w.configure(drivertest.Config{"default_userns_mode": "x"}); err == nil || !strings.Contains(err.Error(), "default_userns_mode") {
		t.Errorf("a wrong configuration: %v", err)
	}
}

// TestNoPivot checks a root that is entered in the way of machines that run from their initramfs.
func TestNoPivot(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"host", "private"} {
		w := newWorld(t, drivertest.Config{"no_pivot_root": true, "default_userns_mode": mode})
		got, exit := w.run(w.task(script("pwd; ls -d /local %s; ls -d /proc/1/root/local /../local; cd ..; pwd", w.dir)))
		if want := "/\n/local\n/../local\n/proc/1/root/local\n/\n"; !strings.HasPrefix(got, want) || !exit.Successful() {
			t.Errorf("userns_mode %s: the task printed %q, want %q; %+v", mode, got, want, exit)
		}
	}
}
