// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// screen collects output and tells when it holds a text.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newScreen() *screen { return &screen{changed: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) expect(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	for !strings.Contains(s.String(), want) {
		select {
		case <-s.changed:
		case <-ctx.Done():
			t.Fatalf("the screen shows %q and never %q", s.String(), want)
		}
	}
}

func (b *bench) command(part string, args ...string) *Command {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	return &Command{Path: self, Args: append([]string{actorArgument, part}, args...)}
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestExec(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("sleep"))
	t.Run("output and code", func(t *testing.T) {
		var out, errs bytes.Buffer
		c := b.command("echo", "hello")
		c.Stdout, c.Stderr = &out, &errs
		exit, err := h.Exec(patient(t), c)
		if err != nil || exit.Code != 0 || out.String() != "hello\n" || errs.String() != "to stderr\n" {
			t.Errorf("exit %+v, error %v, output %q and %q", exit, err, &out, &errs)
		}
		exit, err = h.Exec(patient(t), b.command("exit", "9"))
		if err != nil || exit.Code != 9 {
			t.Errorf("exit %+v, error %v", exit, err)
		}
		exit, err = h.Exec(patient(t), b.command("die"))
		if err != nil || exit.Code != 137 || exit.Signal != 9 {
			t.Errorf("exit %+v, error %v", exit, err)
		}
	})
	t.Run("one output in order", func(t *testing.T) {
		var out, errs, want bytes.Buffer
		c := b.command("alternate")
		c.Stdout, c.Stderr, c.Merged = &out, &errs, true
		exit, err := h.Exec(patient(t), c)
		for i := range 100 {
			fmt.Fprintln(&want, i)
		}
		if err != nil || exit.Code != 0 || out.String() != want.String() || errs.Len() > 0 {
			t.Errorf("exit %+v, error %v, output %q and %q", exit, err, &out, &errs)
		}
	})
	t.Run("environment", func(t *testing.T) {
		var out bytes.Buffer
		c := b.command("env")
		c.Env = []string{"MORE=1"}
		c.Stdout = &out
		if _, err := h.Exec(patient(t), c); err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(out.String(), "\n"); !strings.HasSuffix(first, " "+b.base+" 3 1") {
			t.Errorf("surroundings are %q", first)
		}
	})
	t.Run("not found", func(t *testing.T) {
		_, err := h.Exec(patient(t), &Command{Path: "/no/such/program"})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("input", func(t *testing.T) {
		in := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
		var out bytes.Buffer
		c := b.command("cat")
		c.Stdin, c.Stdout = bytes.NewReader(in), &out
		exit, err := h.Exec(patient(t), c)
		if err != nil || exit.Code != 0 || !bytes.Equal(in, out.Bytes()) {
			t.Errorf("exit %+v, error %v, %d bytes of %d", exit, err, out.Len(), len(in))
		}
	})
	t.Run("input that nobody reads", func(t *testing.T) {
		c := b.command("exit", "0")
		c.Stdin = endless{}
		if exit, err := h.Exec(patient(t), c); err != nil || exit.Code != 0 {
			t.Errorf("exit %+v, error %v", exit, err)
		}
	})
	t.Run("much output", func(t *testing.T) {
		var out bytes.Buffer
		c := b.command("print", "5000000")
		c.Stdout = &out
		if _, err := h.Exec(patient(t), c); err != nil {
			t.Fatal(err)
		}
		checkLines(t, out.String(), 5000000)
	})
}

// endless is input without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestExecCancelled checks that a command ends when nobody waits for it any
// more, whether or not it reads its input.
func TestExecCancelled(t *testing.T) {
	t.Parallel()
	for name, stdin := range map[string]io.Reader{"no input": nil, "input that is not read": endless{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			h := b.start(b.spec("sleep"))
			ctx, cancel := context.WithCancel(patient(t))
			out := newScreen()
			c := b.command("family", "0", "stay")
			c.Stdin, c.Stdout = stdin, out
			result := make(chan error)
			go func() {
				_, err := h.Exec(ctx, c)
				result <- err
			}()
			out.expect(ctx, t, "\n")
			var pid int
			for _, digit := range strings.TrimPrefix(strings.TrimSpace(out.String()), "pid ") {
				pid = pid*10 + int(digit-'0')
			}
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
			b.await("the command ends", func() bool { return !alive(pid) })
			if !alive(h.PID()) {
				t.Error("the task ended as well")
			}
		})
	}
}

// TestExecTerminal checks a session at a terminal: that it is one, its size and
// changes of that, typing, and the end of input.
func TestExecTerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("sleep"))
	for _, last := range []string{"quit\n", "\x04"} {
		ctx := patient(t)
		keyboard, keys := io.Pipe()
		sizes := make(chan Size)
		out := newScreen()
		c := b.command("tty")
		c.TTY, c.Width, c.Height = true, 132, 43
		c.Stdin, c.Stdout, c.Resize = keyboard, out, sizes
		type outcome struct {
			exit Exit
			err  error
		}
		result := make(chan outcome)
		go func() {
			exit, err := h.Exec(ctx, c)
			result <- outcome{exit, err}
		}()
		out.expect(ctx, t, "terminal 132x43 132x43 132x43")
		sizes <- Size{Width: 80, Height: 25}
		out.expect(ctx, t, "size 80x25")
		if _, err := io.WriteString(keys, "hello\n"); err != nil {
			t.Fatal(err)
		}
		out.expect(ctx, t, "heard hello")
		if _, err := io.WriteString(keys, last); err != nil {
			t.Fatal(err)
		}
		got := <-result
		want := 3
		if last == "\x04" {
			want = 0
			out.expect(ctx, t, "end of input")
		}
		if got.err != nil || got.exit.Code != want {
			t.Errorf("exit %+v, error %v, want code %d", got.exit, got.err, want)
		}
		_ = keys.Close()
	}
}

// TestExecEndsWithTask checks that commands beside a task do not outlive it and
// that their callers are told.
func TestExecEndsWithTask(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.start(b.spec("sleep"))
	out := newScreen()
	c := b.command("family", "1", "stay")
	c.Stdout = out
	result := make(chan Exit)
	go func() {
		exit, err := h.Exec(patient(t), c)
		if err != nil {
			t.Errorf("exec: %v", err)
		}
		result <- exit
	}()
	out.expect(patient(t), t, "pid")
	if err := unix.Kill(h.PID(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := <-result; exit.Signal != 9 {
		t.Errorf("exit of the command is %+v", exit)
	}
	if _, err := h.Exec(patient(t), b.command("exit", "0")); !errors.Is(err, ErrExited) {
		t.Errorf("exec after the end: %v", err)
	}
}
