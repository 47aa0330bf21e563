// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/nomadlike/nomadlike/api"
)

// execFlags say how a command runs inside a task.
type execFlags struct {
	stdin, tty bool
	escape     string
}

func (e *execFlags) register(f *flag.FlagSet) {
	f.BoolVar(&e.stdin, "i", true, "Pass standard input on.")
	f.BoolVar(&e.tty, "t", false, "Run with a terminal; the default when standard input is one.")
	for _, both := range []string{"it", "ti"} {
		f.BoolFunc(both, "Same as -i -t.", func(string) error {
			e.stdin, e.tty = true, true
			return nil
		})
	}
	f.StringVar(&e.escape, "e", "~", "The `character` that, followed by a dot at the beginning of a line, disconnects a terminal; \"none\" for none.")
}

// settle fills in defaults and refuses flags that make no sense together.
func (e *execFlags) settle(m *meta) error {
	given := false
	m.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "t" || f.Name == "it" || f.Name == "ti" })
	if !given {
		e.tty = e.stdin && isTerminal(m.in)
	}
	if e.tty && !e.stdin {
		return errors.New("-i must be enabled if running with tty")
	}
	if e.escape != "none" && len(e.escape) != 1 {
		return errors.New("-e requires 'none' or a single character")
	}
	return nil
}

// escapeByte returns the escape character, 0 for none.
func (e *execFlags) escapeByte() byte {
	if e.escape == "none" || !e.tty {
		return 0
	}
	return e.escape[0]
}

// session is a command that runs inside a task with our terminal.
type session struct {
	m *meta
	e *execFlags
	s api.Stream
}

// runExec connects the command's streams with one that open starts inside a task and returns how that ended.
func (m *meta) runExec(ctx context.Context, e *execFlags, open func(context.Context) (api.Stream, error)) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := open(ctx)
	if err != nil {
		return 1, err
	}
	r := &session{m: m, e: e, s: s}
	restore, err := r.raw()
	if err != nil {
		return 1, err
	}
	defer restore()
	if e.tty {
		stop := watchSize(ctx, r.sendSize)
		defer stop()
		r.sendSize()
	}
	go r.input(cancel)
	return r.output(ctx)
}

// raw makes the local terminal pass every key on.
func (r *session) raw() (restore func(), err error) {
	in, ok := r.m.in.(*os.File)
	if !r.e.tty || !ok || !term.IsTerminal(int(in.Fd())) {
		return func() {}, nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("set up the terminal: %w", err)
	}
	return func() { term.Restore(int(in.Fd()), state) }, nil //nolint:errcheck // nothing is left to do
}

// sendSize tells the size of the terminal.
func (r *session) sendSize() {
	width, height, ok := r.m.size()
	if !ok {
		return
	}
	r.send(&api.ExecInput{TTYSize: &api.TerminalSize{Width: int32(width), Height: int32(height)}}) //nolint:gosec // sizes of screens
}

// send passes a message on; when the other end is gone, reading its output tells why.
func (r *session) send(in *api.ExecInput) bool { return r.s.Send(in) == nil }

// input passes standard input on until it ends; the escape sequence of a terminal calls disconnect.
func (r *session) input(disconnect func()) {
	if r.e.stdin {
		in := io.Reader(r.m.in)
		if c := r.e.escapeByte(); c != 0 {
			in = &escapeReader{r: in, escape: c, line: true}
		}
		buf := make([]byte, 8<<10)
		for {
			n, err := in.Read(buf)
			if n > 0 && !r.send(&api.ExecInput{Stdin: &api.ExecIO{Data: buf[:n]}}) {
				return
			}
			if errors.Is(err, errDisconnect) {
				disconnect()
				return
			}
			if err != nil {
				break
			}
		}
	}
	r.send(&api.ExecInput{Stdin: &api.ExecIO{Close: true}})
}

// output shows what the command prints until it has ended.
func (r *session) output(ctx context.Context) (int, error) {
	for {
		var out api.ExecOutput
		err := r.s.Recv(&out)
		switch {
		case err != nil && ctx.Err() != nil:
			return 1, errors.New("disconnected")
		case err != nil:
			return 1, err
		}
		for _, p := range []struct {
			io *api.ExecIO
			w  io.Writer
		}{{out.Stdout, r.m.out}, {out.Stderr, r.m.err}} {
			if p.io == nil || len(p.io.Data) == 0 {
				continue
			}
			if _, err := p.w.Write(p.io.Data); err != nil {
				return 1, err
			}
		}
		if out.Exited {
			if out.Result == nil {
				return 0, nil
			}
			return out.Result.ExitCode, nil
		}
	}
}

// errDisconnect ends an escapeReader whose user wants to leave.
var errDisconnect = errors.New("the session was left")

// escapeReader passes a terminal's keys on and looks for the escape character at the beginning of a line:
// with a dot it ends the session, twice it is sent once, with anything else both are sent.
type escapeReader struct {
	r       io.Reader
	escape  byte
	line    bool // the next key begins a line
	pending bool // the escape character was held back
}

// Read reads at most one byte less than p holds, so that a character that was held back has room.
func (e *escapeReader) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	raw := make([]byte, len(p)-1)
	n, err := e.r.Read(raw)
	out := p[:0]
	for _, c := range raw[:n] {
		switch {
		case e.pending && c == '.':
			return len(out), errDisconnect
		case e.pending && c == e.escape:
			e.pending = false
			out = append(out, c)
		case e.pending:
			e.pending = false
			out = append(out, e.escape, c)
		case e.line && c == e.escape:
			e.pending = true
		default:
			out = append(out, c)
		}
		e.line = c == '\r' || c == '\n'
	}
	return len(out), err
}
