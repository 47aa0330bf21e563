// SPDX-License-Identifier: MPL-2.0

package base

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sharedpb "github.com/nomadlike/nomadlike/plugins/shared/structs/proto"
)

// WireErrors are the errors of a contract that its two ends recognise by the
// end of their text, because the wire carries nothing else.
type WireErrors []error

// ToStatus turns an error of a plugin into what the wire carries: the text of
// a known error at its end, and recoverability as a status detail.
func (known WireErrors) ToStatus(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, sentinel := range known {
		if errors.Is(err, sentinel) && !strings.HasSuffix(text, sentinel.Error()) {
			text += ": " + sentinel.Error()
		}
	}
	if marked, ok := errors.AsType[Recoverable](err); ok {
		st, detailErr := status.New(codes.FailedPrecondition, text).
			WithDetails(&sharedpb.RecoverableError{Recoverable: marked.IsRecoverable()})
		if detailErr == nil {
			return st.Err()
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text)
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text)
	}
	return status.Error(codes.Unknown, text)
}

// wireError is an error that came from a plugin. It shows the plugin's own
// text, without the words of gRPC around it.
type wireError struct {
	status *status.Status

	// sentinel is the error of the contract that the text stands for, or nil.
	sentinel error
}

func (e *wireError) Error() string {
	if text := e.status.Message(); text != "" {
		return Abridge(text)
	}
	return "plugin answered " + e.status.Code().String()
}

func (e *wireError) Unwrap() error { return e.sentinel }

// GRPCStatus makes status.Code work on the error.
func (e *wireError) GRPCStatus() *status.Status { return e.status }

// exitGrace is how long a failed call waits for the word that the plugin
// process has ended.
const exitGrace = 3 * time.Second

// FromStatus turns the error of a call into one of the contract. exited is
// closed when the plugin process is known to have ended; a call that failed
// for that reason returns ErrPluginShutdown.
func (known WireErrors) FromStatus(ctx context.Context, exited <-chan struct{}, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	st, isStatus := status.FromError(err)
	if !isStatus {
		return err // made on this side of the wire
	}
	if st.Code() == codes.Unavailable || st.Code() == codes.Canceled {
		grace := time.NewTimer(exitGrace)
		defer grace.Stop()
		select {
		case <-exited:
			return ErrPluginShutdown
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-grace.C:
		}
	}
	wire := &wireError{status: st}
	for _, sentinel := range known {
		if strings.HasSuffix(st.Message(), sentinel.Error()) {
			wire.sentinel = sentinel
			break
		}
	}
	if st.Code() == codes.DeadlineExceeded && wire.sentinel == nil {
		wire.sentinel = context.DeadlineExceeded
	}
	if details := st.Details(); len(details) > 0 {
		if detail, ok := details[0].(*sharedpb.RecoverableError); ok {
			return NewRecoverableError(wire, detail.GetRecoverable())
		}
	}
	return wire
}

// Unimplemented reports whether a plugin does not know the method called,
// which is how older plugins answer the newer ones.
func Unimplemented(err error) bool {
	return status.Code(err) == codes.Unimplemented
}
