// SPDX-License-Identifier: MPL-2.0

package opset

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestHandlers(t *testing.T) {
	s := New()
	Handle(s, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) { return &api.Job{ID: r.JobID}, nil })
	v, err := s.Unary("Job.Get")(t.Context(), &api.JobRequest{JobID: "a"})
	if err != nil || v.(*api.Job).ID != "a" {
		t.Errorf("got %v %v", v, err)
	}
	if _, err := s.Unary("Job.Get")(t.Context(), &api.NodeRequest{}); err == nil {
		t.Error("a request of another operation was taken")
	}
	if s.Unary("Job.List") != nil || s.Streaming("Job.Get") != nil || !slices.Equal(s.Names(), []string{"Job.Get"}) {
		t.Errorf("the set holds %v", s.Names())
	}
	defer func() {
		if recover() == nil {
			t.Error("an operation took two handlers")
		}
	}()
	Handle(s, api.JobGet, func(context.Context, *api.JobRequest) (*api.Job, error) { return nil, nil })
}

func TestPipe(t *testing.T) {
	caller, handler, finish := Pipe(t.Context())
	failed := errors.New("failed")
	go func() {
		for {
			var in api.ExecInput
			if err := handler.Recv(&in); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("the handler's end is %v", err)
				}
				finish(failed)
				return
			}
			if err := handler.Send(&api.ExecOutput{Stdout: in.Stdin}); err != nil {
				t.Error(err)
			}
		}
	}()
	msg := &api.ExecInput{Stdin: &api.ExecIO{Data: []byte("x")}}
	for range 3 {
		if err := caller.Send(msg); err != nil {
			t.Fatal(err)
		}
		msg.Stdin = &api.ExecIO{Data: []byte("x")} // a sender may use its message again
		var out api.ExecOutput
		if err := caller.Recv(&out); err != nil || string(out.Stdout.Data) != "x" {
			t.Fatalf("got %+v %v", out, err)
		}
	}
	if err := caller.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var out api.ExecOutput
	if err := caller.Recv(&out); !errors.Is(err, failed) {
		t.Errorf("the caller's end is %v", err)
	}
	if err := caller.Send(msg); err == nil {
		t.Error("sending to a finished handler worked")
	}
	if handler.Context().Err() == nil || caller.Context().Err() != nil {
		t.Error("finishing ends the handler's context and leaves the caller's")
	}
}

func TestPipeWithoutCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, handler, finish := Pipe(ctx)
	cancel()
	if err := handler.Send(&api.ExecOutput{}); err == nil {
		t.Error("a handler could send to nobody")
	}
	if err := handler.Recv(&api.ExecInput{}); err == nil {
		t.Error("a handler could receive from nobody")
	}
	finish(nil)
}
