// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// dial connects to the shim for one request.
func (h *Handle) dial(ctx context.Context) (net.Conn, error) {
	return h.connect(func(network, path string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, path)
	})
}

// connect connects to the shim through the open state directory.
func (h *Handle) connect(dial func(network, path string) (net.Conn, error)) (net.Conn, error) {
	path, release, err := socketPath(h.dir, h.state.Place)
	if err != nil {
		return nil, err
	}
	defer release()
	conn, err := dial("unix", path)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(conn, h.state.ShimPID); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// request sends one frame and waits for it to be answered with KindDone.
func (h *Handle) request(ctx context.Context, kind wire.Kind, body []byte) error {
	_, err := h.call(ctx, kind, body, wire.KindDone)
	return err
}

// info asks the shim about itself.
func (h *Handle) info(ctx context.Context) (*wire.Info, error) {
	body, err := h.call(ctx, wire.KindInfo, nil, wire.KindInfoReply)
	if err != nil {
		return nil, err
	}
	return wire.DecodeInfo(body)
}

// OutputLost returns how many bytes of output could not be stored so far, and the last reason.
func (h *Handle) OutputLost(ctx context.Context) (bytes int64, cause, err error) {
	info, err := h.info(ctx)
	if err != nil {
		return 0, nil, err
	}
	if info.LogErrno != 0 {
		cause = syscall.Errno(info.LogErrno)
	}
	return info.LogDropped, cause, nil
}

func (h *Handle) call(ctx context.Context, kind wire.Kind, body []byte, want wire.Kind) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	conn, err := h.dial(ctx)
	if err != nil {
		return nil, h.explain(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := wire.WriteFrame(conn, kind, body); err != nil {
		return nil, h.explain(err)
	}
	got, reply, err := wire.ReadFrame(conn)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, h.explain(err)
	}
	if got == wire.KindDone {
		if err := doneError(reply); err != nil {
			return nil, err
		}
	}
	if got != want {
		return nil, fmt.Errorf("unexpected frame of kind %d from the shim", got)
	}
	return reply, nil
}

// explain turns the failure to talk to a shim into ErrExited if there is none
// any more.
func (h *Handle) explain(err error) error {
	if _, exited := h.Exited(); exited || h.state.ShimPID != 0 && !h.shimAlive() {
		return ErrExited
	}
	return err
}

// doneError returns the failure that a KindDone frame reports.
func doneError(body []byte) error {
	done, err := wire.DecodeDone(body)
	if err != nil {
		return err
	}
	switch {
	case done.Error == "":
		return nil
	case syscall.Errno(done.Errno) == syscall.ESRCH || done.Error == ErrExited.Error():
		return ErrExited
	case done.Errno != 0:
		return &StartError{Exec: true, Errno: syscall.Errno(done.Errno), Message: done.Error}
	default:
		return errors.New(done.Error)
	}
}
