// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// checkLines checks that text is what the part "print" prints, byte for byte.
func checkLines(t *testing.T, text string, atLeast int) {
	t.Helper()
	if len(text) < atLeast {
		t.Errorf("%d bytes of at least %d", len(text), atLeast)
	}
	n := 0
	for line := range strings.Lines(text) {
		if want := fmt.Sprintf("line %09d %s\n", n, strings.Repeat("x", n%150)); line != want {
			t.Fatalf("line %d is %q, want %q", n, line, want)
		}
		n++
	}
}

// TestRotation checks that output in a hurry is stored in files of whole lines,
// none too large, and that not a byte is lost between them.
func TestRotation(t *testing.T) {
	t.Parallel()
	const size, total = 256 << 10, 20 << 20
	b := newBench(t)
	spec := b.spec("print", strconv.Itoa(total))
	spec.Logs.Files.MaxFiles = 1000
	spec.Logs.Files.MaxFileSize = size
	if exit := b.wait(b.start(spec)); exit.Code != 0 || exit.LogDropped != 0 || exit.LogErr != nil {
		t.Errorf("exit is %+v", exit)
	}
	checkLines(t, b.output("task.stdout"), total)
	files, err := filepath.Glob(filepath.Join(b.logs, "task.stdout.*"))
	if err != nil || len(files) < total/size {
		t.Errorf("%d files, error %v", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil || len(text) > size+200 || text[len(text)-1] != '\n' {
			t.Errorf("%s has %d bytes, error %v", path, len(text), err)
		}
	}
}

// TestAttacksOnLogs checks that what a task puts in the way of its log is never
// written to, and that the log goes on.
func TestAttacksOnLogs(t *testing.T) {
	t.Parallel()
	for name, trap := range map[string]func(b *bench, victim, log string) error{
		"symbolic link":          func(_ *bench, victim, log string) error { return os.Symlink(victim, log) },
		"dangling symbolic link": func(_ *bench, victim, log string) error { return os.Symlink(victim+".new", log) },
		"hard link":              func(_ *bench, victim, log string) error { return os.Link(victim, log) },
		"named pipe":             func(_ *bench, _, log string) error { return unix.Mkfifo(log, 0o666) },
		"directory":              func(_ *bench, _, log string) error { return os.Mkdir(log, 0o777) },
		"full directory": func(_ *bench, _, log string) error {
			return os.MkdirAll(filepath.Join(log, "x"), 0o777)
		},
		"socket": func(_ *bench, _, log string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Mknod(log, unix.S_IFSOCK|0o666, 0)
		},
	} {
		for _, index := range []string{"0", "1"} {
			t.Run(name+" "+index, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				victim := filepath.Join(b.base, "victim")
				if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := trap(b, victim, filepath.Join(b.logs, "task.stdout."+index)); err != nil {
					t.Fatal(err)
				}
				spec := b.spec("print", "200000")
				spec.Logs.Files.MaxFiles = 100
				spec.Logs.Files.MaxFileSize = 50000
				if exit := b.wait(b.start(spec)); exit.Code != 0 || exit.LogDropped != 0 {
					t.Errorf("exit is %+v", exit)
				}
				checkLines(t, b.output("task.stdout"), 200000)
				if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
					t.Errorf("the victim holds %q, error %v", text, err)
				}
				if _, err := os.Stat(victim + ".new"); err == nil {
					t.Error("a file was created through the link")
				}
			})
		}
	}
}

// TestLogDirectoryIsALink checks that a log directory that a task has replaced
// by a link is refused.
func TestLogDirectoryIsALink(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	elsewhere := filepath.Join(b.base, "elsewhere")
	if err := os.Rename(b.logs, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, b.logs); err != nil {
		t.Fatal(err)
	}
	if h, err := Start(b.spec("echo")); err == nil {
		b.destroy(h)
		t.Fatal("the link was followed")
	}
	if left, _ := os.ReadDir(elsewhere); len(left) != 0 {
		t.Errorf("files were created: %v", left)
	}
}

// TestLogDirectoryMoves checks that a running shim goes on writing where it
// began when a task puts another directory in the place of its logs.
func TestLogDirectoryMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("polite")
	spec.Logs.Files.MaxFileSize = 8
	h := b.start(spec)
	b.awaitLine("task.stdout")
	held := filepath.Join(b.base, "held")
	trap := filepath.Join(b.base, "trap")
	if err := os.Mkdir(trap, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.logs, held); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(trap, b.logs); err != nil {
		t.Fatal(err)
	}
	if err := h.Signal(t.Context(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.wait(h)
	if left, _ := os.ReadDir(trap); len(left) != 0 {
		t.Errorf("files were created: %v", left)
	}
	b.logs = held
	if got := b.output("task.stdout"); got != "ready\ngot terminated\n" {
		t.Errorf("output is %q", got)
	}
}

func (b *bench) pipes(spec *Spec) (stdout, stderr string) {
	b.t.Helper()
	stdout, stderr = filepath.Join(b.logs, ".out.fifo"), filepath.Join(b.logs, ".err.fifo")
	for _, path := range []string{stdout, stderr} {
		if err := unix.Mkfifo(path, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	spec.Logs = Logs{Pipes: []string{stdout, stderr}}
	return stdout, stderr
}

// TestPipes checks the way output takes under a host that reads named pipes.
func TestPipes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("print", "3000000")
	stdout, stderr := b.pipes(spec)
	got := make(chan string, 2)
	for _, path := range []string{stdout, stderr} {
		go func() {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
			}
			text, err := io.ReadAll(f)
			if err != nil {
				t.Error(err)
			}
			_ = f.Close()
			got <- string(text)
		}()
	}
	if exit := b.wait(b.start(spec)); exit.Code != 0 || exit.LogDropped != 0 {
		t.Errorf("exit is %+v", exit)
	}
	first, second := <-got, <-got
	checkLines(t, first+second, 3000000)
}

// TestPipeReaderComesBack checks that a task does not mind the reader of its
// output going away, and that the next reader gets what was printed meanwhile.
func TestPipeReaderComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("polite")
	stdout, _ := b.pipes(spec)
	h := b.start(spec)
	read := func(want string) *os.File {
		f, err := os.Open(stdout)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReaderSize(f, 16).ReadString('\n')
		if err != nil || line != want {
			t.Errorf("line is %q, error %v, want %q", line, err, want)
		}
		return f
	}
	_ = read("ready\n").Close()
	if err := h.Signal(t.Context(), unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	_ = read("got hangup\n").Close()
	if err := h.Signal(t.Context(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if exit := b.wait(h); exit.Code != 7 {
		t.Errorf("exit is %+v", exit)
	}
}

// TestPipeIsNotAPipe checks that a file in the place of a pipe is refused.
func TestPipeIsNotAPipe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("echo")
	victim := filepath.Join(b.base, "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spec.Logs = Logs{Pipes: []string{victim, victim}}
	if h, err := Start(spec); err == nil {
		b.destroy(h)
		t.Error("a plain file was taken for a pipe")
	}
}
