// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestExit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args         []string
		code, signal int
	}{
		"success": {[]string{"exit", "0"}, 0, 0},
		"failure": {[]string{"exit", "42"}, 42, 0},
		"signal":  {[]string{"die"}, 137, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := time.Now()
			h := b.start(b.spec(test.args[0], test.args[1:]...))
			exit := b.wait(h)
			if exit.Code != test.code || exit.Signal != test.signal || exit.Err != nil || exit.OOMKilled {
				t.Errorf("exit is %+v, want code %d and signal %d", exit, test.code, test.signal)
			}
			if exit.At.Before(before) || exit.At.After(time.Now()) {
				t.Errorf("exit was at %v, test began at %v", exit.At, before)
			}
		})
	}
}

func TestOutputIsStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("echo", "one", "two"))
	b.wait(h)
	if got := b.output("task.stdout"); got != "one two\n" {
		t.Errorf("stdout is %q", got)
	}
	if got := b.output("task.stderr"); got != "to stderr\n" {
		t.Errorf("stderr is %q", got)
	}
}

func TestNoLogsNoFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("echo", "x")
	spec.Logs = Logs{}
	if exit := b.wait(b.start(spec)); exit.Code != 0 {
		t.Errorf("exit is %+v", exit)
	}
	entries, err := os.ReadDir(b.logs)
	if err != nil || len(entries) != 0 {
		t.Errorf("log directory holds %v, %v", entries, err)
	}
}

// TestStartErrors checks that a failed start says why, and leaves nothing.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(b *bench, s *Spec)
		exec   bool
		is     error
	}{
		"missing program": {
			func(b *bench, s *Spec) { s.Path = filepath.Join(b.base, "nothing") },
			true, fs.ErrNotExist,
		},
		"not executable": {
			func(b *bench, s *Spec) {
				s.Path = filepath.Join(b.base, "plain")
				_ = os.WriteFile(s.Path, []byte("text"), 0o600)
			},
			true, fs.ErrPermission,
		},
		"wrong format": {
			func(b *bench, s *Spec) {
				s.Path = filepath.Join(b.base, "plain")
				_ = os.WriteFile(s.Path, []byte("text"), 0o700)
			},
			true, syscall.ENOEXEC,
		},
		"missing interpreter": {
			func(b *bench, s *Spec) {
				s.Path = filepath.Join(b.base, "script")
				_ = os.WriteFile(s.Path, []byte("#!/no/such/shell\n"), 0o700)
			},
			true, fs.ErrNotExist,
		},
		"missing work dir": {
			func(b *bench, s *Spec) { s.WorkDir = filepath.Join(b.base, "nowhere") },
			true, fs.ErrNotExist,
		},
		"missing log dir": {
			func(b *bench, s *Spec) { s.Logs.Files.Dir.Names = []string{"nowhere"} },
			false, fs.ErrNotExist,
		},
		"log prefix with slash": {
			func(b *bench, s *Spec) { s.Logs.Files.StdoutPrefix = "../up" },
			false, nil,
		},
		"required cgroup missing": {
			func(b *bench, s *Spec) {
				s.Cgroup.V2, s.Cgroup.Required = filepath.Join(b.base, "nowhere"), true
			},
			false, nil,
		},
		"missing network": {
			func(b *bench, s *Spec) { s.NetNS = filepath.Join(b.base, "nowhere") },
			false, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			spec := b.spec("sleep")
			test.change(b, spec)
			h, err := Start(spec)
			if err == nil {
				b.destroy(h)
				t.Fatal("start succeeded")
			}
			var failed *StartError
			if errors.As(err, &failed) && failed.Exec != test.exec {
				t.Errorf("error %q is about execution: %t", err, failed.Exec)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error is %q, want one that is %q", err, test.is)
			}
			if _, err := os.Stat(filepath.Join(b.base, "state")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("state directory is left: %v", err)
			}
		})
	}
}

func TestStopWithGrace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("polite"))
	b.awaitLine("task.stdout")
	if err := h.Stop(t.Context(), syscall.SIGTERM, patience); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(h); exit.Code != 7 || exit.Signal != 0 {
		t.Errorf("exit is %+v", exit)
	}
	if err := h.Stop(t.Context(), syscall.SIGTERM, patience); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

func TestStopKillsTheStubborn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("stubborn"))
	b.awaitLine("task.stdout")
	if err := h.Stop(t.Context(), syscall.SIGTERM, 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(h); exit.Signal != 9 || exit.Code != 137 {
		t.Errorf("exit is %+v", exit)
	}
}

// TestShorterGraceCounts checks that a second stop can hasten the first.
func TestShorterGraceCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("stubborn"))
	b.awaitLine("task.stdout")
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- h.Stop(ctx, syscall.SIGTERM, time.Hour) }()
	if err := h.Stop(t.Context(), syscall.SIGTERM, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Errorf("first stop: %v", err)
	}
	cancel()
}

func TestSignal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("polite"))
	b.awaitLine("task.stdout")
	if err := h.Signal(t.Context(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.await("the signal arrives", func() bool {
		return strings.Contains(b.output("task.stdout"), "got hangup")
	})
	b.destroy(h)
	if err := h.Signal(t.Context(), syscall.SIGHUP); !errors.Is(err, ErrExited) {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestSurroundings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("env")
	score := 321
	spec.OOMScoreAdj = &score
	uid, gid, groups := os.Getuid(), os.Getgid(), "["
	if uid == 0 {
		uid, gid, groups = 65534, 65533, "[12345 65533]"
		spec.User = &User{UID: uid, GID: gid, Groups: []int{65533, 12345}}
		_ = os.Chmod(b.base, 0o755)
		for dir := filepath.Dir(b.base); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
			_ = os.Chmod(dir, 0o755)
		}
		spec.Path = b.program()
	}
	h := b.start(spec)
	exit := b.wait(h)
	lines := strings.Split(b.output("task.stdout"), "\n")
	if exit.Code != 0 || len(lines) < 4 {
		t.Fatalf("exit is %+v, output %q, errors %q", exit, lines, b.output("task.stderr"))
	}
	want := itoa(uid) + " " + itoa(gid) + " " + groups
	if !strings.HasPrefix(lines[0], want) || !strings.HasSuffix(lines[0], " "+b.base+" 2 1") {
		t.Errorf("surroundings are %q, want %s … %s 2 1", lines[0], want, b.base)
	}
	if lines[1] != "321" && lines[1] != "" {
		t.Errorf("oom_score_adj is %q", lines[1])
	}
	if lines[2] != "reopen stdout: <nil>" {
		t.Errorf("%s", lines[2])
	}
}

// TestDescriptors checks that a task gets three descriptors and no more, even if
// this process has some that it does not know of.
func TestDescriptors(t *testing.T) {
	testkit.Need(t, "linux")
	leak, err := unix.Open(os.DevNull, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	b := newBench(t)
	spec := b.spec("")
	spec.Path, spec.Args = "/bin/sh", []string{"-c", "echo /proc/$$/fd/*"}
	b.wait(b.start(spec))
	fields := strings.Fields(b.output("task.stdout"))
	for i := range fields {
		fields[i] = filepath.Base(fields[i])
	}
	// The shell opens the directory it lists.
	if len(fields) < 3 || len(fields) > 4 || strings.Join(fields[:3], " ") != "0 1 2" {
		t.Errorf("descriptors are %q", fields)
	}
}

// program copies the test binary to where every user can run it.
func (b *bench) program() string {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		b.t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(b.base, "program")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		b.t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// TestDescendantsDie checks that whatever a task starts ends with it: children
// in sessions of their own, orphans, processes that ignore signals.
func TestDescendantsDie(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *bench, h *Handle){
		"stop":    func(b *bench, h *Handle) { _ = h.Stop(b.t.Context(), syscall.SIGTERM, time.Millisecond) },
		"destroy": func(b *bench, h *Handle) { b.destroy(h) },
		"exit":    func(b *bench, h *Handle) { _ = unix.Kill(h.PID(), unix.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			h := b.start(b.spec("family", "4", "stay"))
			pids := b.awaitFamily(5)
			end(b, h)
			b.wait(h)
			for _, pid := range pids {
				b.await("process "+itoa(pid)+" ends", func() bool { return !alive(pid) })
			}
		})
	}
}

// awaitFamily waits until a family has told all its process numbers.
func (b *bench) awaitFamily(size int) (pids []int) {
	b.t.Helper()
	b.await(itoa(size)+" processes are there", func() bool {
		pids = pids[:0]
		for line := range strings.Lines(b.output("task.stdout")) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), "pid "); ok {
				pid, _ := strconv.Atoi(text)
				pids = append(pids, pid)
			}
		}
		return len(pids) == size
	})
	return pids
}

// TestAttach lets go of a task and takes hold of it again, by a state that went
// through JSON.
func TestAttach(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, err := Start(b.spec("polite"))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(h.State())
	if err != nil {
		t.Fatal(err)
	}
	b.awaitLine("task.stdout")
	h.Close()
	var state State
	if err := json.Unmarshal(stored, &state); err != nil {
		t.Fatal(err)
	}
	again, err := Attach(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer b.destroy(again)
	if again.PID() != h.PID() || !again.StartedAt().Equal(h.StartedAt()) {
		t.Errorf("attached to %+v, started %+v", again.State(), h.State())
	}
	if err := again.Stop(t.Context(), syscall.SIGTERM, patience); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(again); exit.Code != 7 {
		t.Errorf("exit is %+v", exit)
	}
}

// TestExitWhileNobodyListens checks that the exit record speaks for a shim that
// has left.
func TestExitWhileNobodyListens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, err := Start(b.spec("polite"))
	if err != nil {
		t.Fatal(err)
	}
	b.awaitLine("task.stdout")
	state := h.State()
	h.Close()
	if err := unix.Kill(state.PID, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, "the shim leaves", func() bool { return !same(state.ShimPID, state.ShimStartTime) })
	again, err := Attach(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	if exit, known := again.Exited(); !known || exit.Code != 7 || exit.Err != nil {
		t.Errorf("exit is %+v, known %t", exit, known)
	}
	b.destroy(again)
	if _, err := os.Stat(filepath.Join(b.base, "state")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("state directory is left: %v", err)
	}
	if _, err := Attach(t.Context(), state); !errors.Is(err, ErrNotFound) {
		t.Errorf("attach to nothing: %v", err)
	}
}

// TestShimKilled checks that a task does not outlive its shim, and that this is
// told, to those who watch and to those who come later.
func TestShimKilled(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"watching": false, "coming later": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			h, err := Start(b.spec("family", "3", "stay"))
			if err != nil {
				t.Fatal(err)
			}
			state := h.State()
			pids := b.awaitFamily(4)
			if later {
				h.Close()
			}
			if err := unix.Kill(state.ShimPID, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if later {
				await(t, "the shim is gone", func() bool { return !same(state.ShimPID, state.ShimStartTime) })
				if h, err = Attach(t.Context(), state); err != nil {
					t.Fatal(err)
				}
			}
			exit := b.wait(h)
			if !errors.Is(exit.Err, ErrLost) || exit.Signal != 9 {
				t.Errorf("exit is %+v", exit)
			}
			for _, pid := range pids {
				b.await("process "+itoa(pid)+" ends", func() bool { return !alive(pid) })
			}
			b.destroy(h)
		})
	}
}

// TestShimTerminated checks that a shim that is asked to terminate, as when the
// machine shuts down, ends its task in good order.
func TestShimTerminated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("polite")
	spec.StopSignal, spec.StopGrace = syscall.SIGTERM, patience
	h := b.start(spec)
	b.awaitLine("task.stdout")
	if err := unix.Kill(h.State().ShimPID, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(h); exit.Code != 7 || exit.Err != nil {
		t.Errorf("exit is %+v", exit)
	}
}

// TestStateDirectoryRemoved checks that a shim whose directory was removed leaves
// when its task ends, rather than waiting for somebody to be told.
func TestStateDirectoryRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, err := Start(b.spec("sleep"))
	if err != nil {
		t.Fatal(err)
	}
	state := h.State()
	h.Close()
	b.awaitLine("task.stdout")
	if err := os.RemoveAll(filepath.Join(b.base, "state")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(state.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the shim leaves", func() bool { return !same(state.ShimPID, state.ShimStartTime) })
}

// TestOtherProcessIsLeftAlone checks that a process that got the number of a
// task or a shim is not taken for it.
func TestOtherProcessIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, err := Start(b.spec("sleep"))
	if err != nil {
		t.Fatal(err)
	}
	state := h.State()
	b.destroy(h)
	self, _ := os.Executable()
	other := exec.Command(self, actorArgument, "sleep")
	other.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	state.PID, state.ShimPID = other.Process.Pid, other.Process.Pid
	// It must not have been started within the same tick of the clock.
	state.StartTime--
	state.ShimStartTime--
	if _, err := Attach(t.Context(), state); !errors.Is(err, ErrNotFound) {
		t.Errorf("attach: %v", err)
	}
	if !alive(other.Process.Pid) {
		t.Error("the other process was killed")
	}
}

// TestSocketIsNotTheShims checks that nobody can pass for a shim.
func TestSocketIsNotTheShims(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, err := Start(b.spec("sleep"))
	if err != nil {
		t.Fatal(err)
	}
	state := h.State()
	h.Close()
	// A task with root rights can do this.
	if err := os.Remove(filepath.Join(b.base, "state", wire.SocketName)); err != nil {
		t.Fatal(err)
	}
	again, err := Attach(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(again); !errors.Is(exit.Err, ErrLost) {
		t.Errorf("exit is %+v", exit)
	}
	await(t, "the task is gone", func() bool { return !same(state.PID, state.StartTime) })
	b.destroy(again)
}

// TestForeignStateDirectory checks that a state directory that others could
// have made is not believed.
func TestForeignStateDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	place := Place{Base: b.base, Names: []string{"state"}}
	real := filepath.Join(b.base, "elsewhere")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	record := (&wire.Exit{Code: 0}).Record()
	if err := os.WriteFile(filepath.Join(real, wire.RecordName), record, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, place.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(t.Context(), State{Version: 1, Place: place}); err == nil {
		t.Error("a symbolic link was followed")
	}
	if _, err := Start(b.spec("sleep")); err == nil {
		t.Error("a start went through a symbolic link")
	}
	if err := os.Remove(place.String()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(real, place.String()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(place.String(), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(t.Context(), State{Version: 1, Place: place}); err == nil {
		t.Error("a directory that everybody can write to was believed")
	}
}

func TestReclaim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, err := Start(b.spec("sleep"))
	if err != nil {
		t.Fatal(err)
	}
	pid := first.PID()
	first.Close()
	if _, err := Start(b.spec("sleep")); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a second start in one place: %v", err)
	}
	place := Place{Base: b.base, Names: []string{"state"}}
	if err := Reclaim(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	await(t, "the first task ends", func() bool { return !alive(pid) })
	b.start(b.spec("sleep"))
	if err := Reclaim(t.Context(), Place{Base: b.base, Names: []string{"none"}}); err != nil {
		t.Errorf("reclaim nothing: %v", err)
	}
}

// TestLongPaths checks that the socket does not mind how deep it lies.
func TestLongPaths(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("polite")
	for range 5 {
		spec.Place.Names = append([]string{strings.Repeat("d", 40)}, spec.Place.Names...)
	}
	if err := os.MkdirAll(filepath.Dir(spec.Place.String()), 0o700); err != nil {
		t.Fatal(err)
	}
	h := b.start(spec)
	b.awaitLine("task.stdout")
	if err := h.Stop(t.Context(), syscall.SIGTERM, patience); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(h); exit.Code != 7 {
		t.Errorf("exit is %+v", exit)
	}
}

func TestDestroyNeedsForce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("sleep"))
	if err := h.Destroy(t.Context(), false); !errors.Is(err, ErrRunning) {
		t.Errorf("destroy of a running task: %v", err)
	}
}

// playPlugin is a driver process that starts a task and waits to be killed.
func playPlugin(args []string) {
	var spec Spec
	if err := json.Unmarshal([]byte(args[0]), &spec); err != nil {
		os.Exit(1)
	}
	spec.Messages = nil
	h, err := Start(&spec)
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	state, _ := json.Marshal(h.State())
	_, _ = os.Stdout.Write(append(state, '\n'))
	pause()
}

// TestDriverKilled checks that a task does not notice the death of the process
// that started it.
func TestDriverKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("polite")
	spec.Messages = nil
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	self, _ := os.Executable()
	driver := exec.Command(self, actorArgument, "plugin", string(text))
	driver.Stderr = os.Stderr
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	var state State
	if err := json.NewDecoder(out).Decode(&state); err != nil {
		t.Fatal(err)
	}
	b.awaitLine("task.stdout")
	_ = driver.Process.Kill()
	_ = driver.Wait()
	h, err := Attach(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer b.destroy(h)
	if err := h.Signal(t.Context(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.await("the task answers", func() bool {
		return strings.Contains(b.output("task.stdout"), "got hangup")
	})
}

// TestReclaimOfLeaving reclaims from a shim that hangs up twice and is gone then.
func TestReclaimOfLeaving(t *testing.T) {
	b := newBench(t)
	state := filepath.Join(b.base, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(state, wire.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		for i := range 2 {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if i == 0 { // what it did not read makes it a reset
				_, _ = c.Read(make([]byte, 1))
			} else {
				_, _, _ = wire.ReadFrame(c)
			}
			_ = c.Close()
		}
	}()
	if err := Reclaim(t.Context(), Place{Base: b.base, Names: []string{"state"}}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(state); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state is still there: %v", err)
	}
}
