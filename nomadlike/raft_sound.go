// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// unsound says why no peer can have sent a message, nil if one can. Raft takes every message for one of a peer: it stores
// entries before it looks at them and panics at what it cannot read, then and at each start from then on. The port of the
// servers is open to whoever reaches it, so that one message would end a server for good.
func unsound(command any) error {
	switch m := command.(type) {
	case *raft.AppendEntriesRequest:
		for i, e := range m.Entries {
			if err := unsoundEntry(e, m.PrevLogEntry+1+uint64(i)); err != nil {
				return fmt.Errorf("entry %d of %d: %w", i+1, len(m.Entries), err)
			}
		}
	case *raft.InstallSnapshotRequest:
		return unsoundPeers(m.Configuration)
	}
	return nil
}

func unsoundEntry(e *raft.Log, index uint64) error {
	switch {
	case e == nil:
		return errors.New("it is missing")
	case e.Index != index:
		return fmt.Errorf("its index is %d, not %d", e.Index, index)
	}
	switch e.Type {
	case raft.LogCommand, raft.LogNoop, raft.LogBarrier:
		return nil
	case raft.LogConfiguration:
		return unsoundPeers(e.Data)
	default: // the older kinds have never been written
		return fmt.Errorf("its type %d is unknown", e.Type)
	}
}

// unsoundPeers reports peers that raft would panic at.
func unsoundPeers(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its peers cannot be read: %v", p)
		}
	}()
	raft.DecodeConfiguration(data)
	return nil
}

// refuse answers a message that raft does not get to see.
func refuse(rpc raft.RPC, why error) {
	var none any
	if _, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
		none = &raft.AppendEntriesResponse{} // the pipeline in memory looks at it before the error
	}
	if rpc.Reader == nil {
		rpc.Respond(none, why)
		return
	}
	go func() { // ends with the connection: the next message comes after the snapshot
		_, _ = io.Copy(io.Discard, rpc.Reader)
		rpc.Respond(none, why)
	}()
}
