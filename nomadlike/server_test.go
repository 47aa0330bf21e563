// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// within returns a context that fails the test when something takes far too long.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestOneServer(t *testing.T) {
	_, trans := raft.NewInmemTransport("")
	s, err := New(Config{Name: "a", BootstrapExpect: 1, RPCAdvertise: "127.0.0.1:4647", SerfBind: "127.0.0.1:0"}, Deps{RaftTransport: trans})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(within(t))
	leads := make(chan struct{})
	s.AddDuty(Duty{Name: "test", Run: func(ctx context.Context) error {
		close(leads)
		<-ctx.Done()
		return nil
	}})
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-leads:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Log("leads after", time.Since(start))
	r, index, err := s.Apply(ctx, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{
		Job: &api.Job{ID: "j", Namespace: "default", Type: "service"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if j := r.(*api.Job); j.ModifyIndex != index || state.Jobs.Get(s.Store().Snapshot(), "default", "j") != j {
		t.Fatalf("answer %+v is not the stored row", j)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
