// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// TestStrangersMessages: who reaches the port of a server ends it with no message that a peer would not send, and the server goes
// on leading.
func TestStrangersMessages(t *testing.T) {
	const (
		here = raft.ServerAddress("127.0.0.1:4647")
		high = 1 << 20 // a later term than the server's
	)
	_, wire := raft.NewInmemTransport(here)
	_, stranger := raft.NewInmemTransport("127.0.0.1:9")
	stranger.Connect(here, wire)
	s, err := New(Config{Name: "a", BootstrapExpect: 1, RPCAdvertise: string(here), SerfBind: "127.0.0.1:0"}, Deps{RaftTransport: wire})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(within(t))
	leads := make(chan struct{})
	s.AddDuty(Duty{Name: "test", Run: func(ctx context.Context) error {
		close(leads) // a second time would panic
		<-ctx.Done()
		return nil
	}})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-leads:
	case err := <-ended:
		t.Fatal(err)
	}
	r, err := s.raft()
	if err != nil {
		t.Fatal(err)
	}
	last := r.LastIndex()
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("x"), Addr: []byte("127.0.0.1:9")}
	entry := func(e *raft.Log) *raft.AppendEntriesRequest {
		return &raft.AppendEntriesRequest{RPCHeader: header, Term: high, PrevLogEntry: last, PrevLogTerm: 2, Entries: []*raft.Log{e}, LeaderCommitIndex: high}
	}
	for name, test := range map[string]struct {
		m    *raft.AppendEntriesRequest
		says string
	}{
		"no entry":      {entry(nil), "it is missing"},
		"gap":           {entry(&raft.Log{Index: last + 1000, Term: high, Type: raft.LogNoop}), "its index is"},
		"first":         {&raft.AppendEntriesRequest{RPCHeader: header, Term: high, Entries: []*raft.Log{{Index: last + 1, Type: raft.LogNoop}}}, "its index is"},
		"unknown type":  {entry(&raft.Log{Index: last + 1, Term: high, Type: 77}), "its type 77 is unknown"},
		"peers":         {entry(&raft.Log{Index: last + 1, Term: high, Type: raft.LogConfiguration, Data: []byte{0xc1}}), "peers cannot be read"},
		"peers, second": {&raft.AppendEntriesRequest{RPCHeader: header, Term: high, PrevLogEntry: last, Entries: []*raft.Log{{Index: last + 1, Type: raft.LogNoop}, {Index: last + 2, Type: raft.LogConfiguration}}}, "entry 2 of 2"},
	} {
		if err := stranger.AppendEntries("a", here, test.m, &raft.AppendEntriesResponse{}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.says)
		}
	}
	data := strings.NewReader("anything")
	err = stranger.InstallSnapshot("a", here, &raft.InstallSnapshotRequest{
		RPCHeader: header, SnapshotVersion: 1, Term: high, LastLogIndex: high, Size: data.Size(), Configuration: []byte{0xc1},
	}, &raft.InstallSnapshotResponse{}, data)
	if err == nil || !strings.Contains(err.Error(), "peers cannot be read") || data.Len() > 0 {
		t.Errorf("snapshot: got %v and %d bytes left", err, data.Len())
	}
	if _, _, err := s.Apply(ctx, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: &api.Job{ID: "j", Namespace: "default", Type: "service"}})); err != nil {
		t.Error("the server does not lead any more:", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
