// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// Exec runs a command beside the task until it has ended and its output is
// written. Ending the context kills the command. The error is a *StartError if
// it could not be executed.
func (h *Handle) Exec(ctx context.Context, c *Command) (Exit, error) {
	conn, err := h.dial(ctx)
	if err != nil {
		return Exit{}, h.explain(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	exit, err := h.exec(conn, c)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return exit, err
}

func (h *Handle) exec(conn net.Conn, c *Command) (Exit, error) {
	request := wire.Exec{
		Path: c.Path, Args: append([]string{c.Path}, c.Args...), Env: c.Env,
		TTY: c.TTY, Width: c.Width, Height: c.Height, Merged: c.Merged,
	}
	if err := wire.WriteFrame(conn, wire.KindExec, request.Encode()); err != nil {
		return Exit{}, h.explain(err)
	}
	kind, body, err := wire.ReadFrame(conn)
	if err != nil {
		return Exit{}, h.explain(err)
	}
	if kind != wire.KindDone {
		return Exit{}, fmt.Errorf("unexpected frame of kind %d from the shim", kind)
	}
	if err := doneError(body); err != nil {
		return Exit{}, err
	}
	over := make(chan struct{})
	defer close(over)
	to := &frames{conn: conn}
	go to.stdin(c.Stdin, c.TTY)
	if c.Resize != nil {
		go to.resize(c.Resize, over)
	}
	return receive(conn, c)
}

// receive writes out what the command prints until it has ended.
func receive(conn net.Conn, c *Command) (Exit, error) {
	for {
		kind, body, err := wire.ReadFrame(conn)
		if err != nil {
			return Exit{}, fmt.Errorf("the command was cut off: %w", err)
		}
		var to io.Writer
		switch kind {
		case wire.KindStdout:
			to = c.Stdout
		case wire.KindStderr:
			to = c.Stderr
		case wire.KindExecExit:
			exit, err := wire.DecodeExecExit(body)
			if err != nil {
				return Exit{}, err
			}
			return Exit{Code: exit.Code, Signal: exit.Signal, At: time.Now()}, nil
		default:
			// The ends of the outputs say nothing that the exit does not.
		}
		if to != nil {
			if _, err := to.Write(body); err != nil {
				return Exit{}, fmt.Errorf("write the command's output: %w", err)
			}
		}
	}
}

// frames is the sending side of a command's connection.
type frames struct {
	mu   sync.Mutex
	conn net.Conn
}

func (f *frames) send(kind wire.Kind, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return wire.WriteFrame(f.conn, kind, body)
}

// stdin sends what is read and then the end of it. A terminal without input
// stays open: its end would be typed into it.
func (f *frames) stdin(from io.Reader, tty bool) {
	if from == nil && tty {
		return
	}
	if from != nil {
		buf := make([]byte, wire.MaxData)
		for {
			n, err := from.Read(buf)
			if n > 0 && f.send(wire.KindStdin, buf[:n]) != nil {
				return
			}
			if err != nil {
				break
			}
		}
	}
	_ = f.send(wire.KindStdinClose, nil)
}

func (f *frames) resize(sizes <-chan Size, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case size, ok := <-sizes:
			if !ok {
				return
			}
			body := (&wire.Size{Width: size.Width, Height: size.Height}).Encode()
			if f.send(wire.KindResize, body) != nil {
				return
			}
		}
	}
}
