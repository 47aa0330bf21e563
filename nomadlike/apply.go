// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
)

// enqueueTimeout is how long a write waits for room in raft's queue.
const enqueueTimeout = 30 * time.Second

// Future is a write under way.
type Future struct {
	f    raft.ApplyFuture
	done chan struct{}
	err  error
}

// Done is closed when the outcome is known.
func (f *Future) Done() <-chan struct{} { return f.done }

// Wait returns the command's answer and the index of the entry. An error of class no_leader means that
// nothing was written; one of class unknown, or that of ctx, leaves that open.
func (f *Future) Wait(ctx context.Context) (any, uint64, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("wait for a write: %w", ctx.Err())
	}
	return f.result()
}

func (f *Future) result() (any, uint64, error) {
	if f.err != nil {
		return nil, 0, f.err
	}
	answer := f.f.Response()
	if err, ok := answer.(error); ok {
		return nil, f.f.Index(), err
	}
	return answer, f.f.Index(), nil
}

// ApplyFuture proposes an encoded command without waiting for the outcome. Commands of one caller are
// applied in the order in which they are proposed.
func (s *Server) ApplyFuture(cmd []byte) *Future {
	f := &Future{done: make(chan struct{})}
	r, err := s.raft()
	if err != nil {
		f.err = err
		close(f.done)
		return f
	}
	f.f = r.Apply(cmd, enqueueTimeout)
	go func() { // ends when raft knows, or shuts down
		f.err = s.raftError(f.f.Error())
		close(f.done)
	}()
	return f
}

// Apply proposes an encoded command and returns its answer and the index of the entry. Errors are as in
// Future.Wait.
func (s *Server) Apply(ctx context.Context, cmd []byte) (any, uint64, error) {
	if ctx.Done() != nil {
		return s.ApplyFuture(cmd).Wait(ctx)
	}
	r, err := s.raft()
	if err != nil {
		return nil, 0, err
	}
	f := &Future{f: r.Apply(cmd, enqueueTimeout)}
	f.err = s.raftError(f.f.Error())
	return f.result()
}

// raftError gives an error of raft a class.
func (s *Server) raftError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		if addr, self := s.Leader(); addr != "" && !self {
			return api.Errorf(api.ClassNoLeader, "server is not the leader, %s is", addr)
		}
		return api.Errorf(api.ClassNoLeader, "No cluster leader")
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return api.Errorf(api.ClassTooMany, "server has too many writes waiting, try again")
	case errors.Is(err, raft.ErrAbortedByRestore):
		return api.Errorf(api.ClassUnavailable, "the state was restored from a snapshot during the write; try again")
	case errors.Is(err, raft.ErrLeadershipLost):
		return api.Errorf(api.ClassUnknown, "leadership was lost during the write; it may or may not have happened")
	case errors.Is(err, raft.ErrRaftShutdown):
		return api.Errorf(api.ClassUnknown, "server is shutting down; the write may or may not have happened")
	}
	return fmt.Errorf("write to the raft log: %w", err)
}

// Barrier waits until everything that was committed before is applied here. Only the leader can.
func (s *Server) Barrier(ctx context.Context) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	return s.await(ctx, r.Barrier(enqueueTimeout))
}

// VerifyLeader asks a majority whether this server still leads, for reads that must not be stale.
func (s *Server) VerifyLeader(ctx context.Context) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	return s.await(ctx, r.VerifyLeader())
}
