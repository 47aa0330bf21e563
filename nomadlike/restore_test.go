// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/archive"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// archived returns an archive of the server's state.
func archived(t *testing.T, s *Server, consistent bool) []byte {
	t.Helper()
	a, err := s.SaveSnapshot(within(t), consistent)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(a)
	if err = errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); a.Digest != "sha-256="+base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("digest %s is not that of the archive", a.Digest)
	}
	return data
}

func TestSnapshotAndRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("kept", 20)
		c.agree()
		leader := c.leader()
		saved := archived(t, leader.Server, true)
		c.pass(time.Second)                       // raft names snapshots by the millisecond
		again := archived(t, leader.Server, true) // nothing has changed since
		for name, data := range map[string][]byte{"first": saved, "second": again, "a follower's": archived(t, c.follower().Server, false)} {
			var b bytes.Buffer
			meta, err := archive.Read(bytes.NewReader(data), &b)
			if err != nil || meta.Index == 0 || len(meta.Configuration.Servers) != 3 {
				t.Errorf("%s archive: %+v %v", name, meta, err)
			}
		}
		if _, err := c.follower().SaveSnapshot(c.ctx, true); !api.IsClass(err, api.ClassNoLeader) {
			t.Errorf("a follower saves a consistent snapshot: %v", err)
		}
		c.write("lost", 20)
		c.agree()
		if err := c.follower().RestoreSnapshot(bytes.NewReader(saved)); !api.IsClass(err, api.ClassNoLeader) {
			t.Errorf("a follower restores: %v", err)
		}
		leader = c.leader()
		terms := leader.begun()
		if err := leader.RestoreSnapshot(bytes.NewReader(saved)); err != nil {
			t.Fatal(err)
		}
		c.write("after", 1) // has an index that no server had before
		c.agree()
		first := state.Cluster.RestoreTime(leader.Store().Snapshot())
		for _, p := range c.peers {
			c.has(p, "kept", 20)
			if got := state.Cluster.RestoreTime(p.Store().Snapshot()); got == 0 || got != first {
				t.Errorf("server %s has the mark %d, the leader %d", p.name, got, first)
			}
			if n := state.Namespaces.Len(p.Store().Snapshot()); n != 22 {
				t.Errorf("server %s has %d namespaces after the restore", p.name, n)
			}
		}
		c.until("the duties to begin anew", func() bool { return leader.begun() > terms })
		c.write("new", 10)
		back := c.follower().name
		c.kill(back)
		c.has(c.start(back, 3), "kept", 1)
		c.agree()
		if left, err := filepath.Glob(filepath.Join(c.dir, "*", ".snapshot-*")); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
}

// TestBadRestore: nothing happens to the state unless the archive is good to its last row.
func TestBadRestore(t *testing.T) {
	err := runOn(t, t.TempDir(), func(ctx context.Context, s *Server) {
		p := &peer{Server: s}
		if err := p.write(ctx, "kept"); err != nil {
			t.Error(err)
		}
		good := archived(t, s, true)
		var st bytes.Buffer
		meta, err := archive.Read(bytes.NewReader(good), &st)
		if err != nil {
			t.Error(err)
			return
		}
		packed := func(content []byte) []byte {
			m := *meta
			m.Size = int64(len(content))
			var b bytes.Buffer
			if err := archive.Write(&b, &m, bytes.NewReader(content), time.Now()); err != nil {
				t.Error(err)
			}
			return b.Bytes()
		}
		other := state.New()
		w := other.Begin(2, "test")
		state.Nodes.Put(w, &api.Node{ID: "11111111-2222-3333-4444-555555555555", SecretID: "secret"})
		w.Commit()
		var redacted bytes.Buffer
		if err := other.Snapshot().SaveRedacted(&redacted); err != nil {
			t.Error(err)
		}
		damaged := bytes.Clone(st.Bytes())
		damaged[len(damaged)/2] ^= 1
		for name, data := range map[string][]byte{
			"garbage": []byte("garbage"), "cut off": good[:len(good)-20], "foreign state": packed([]byte("something else")),
			"damaged state": packed(damaged), "half a state": packed(st.Bytes()[:st.Len()/2]), "redacted": packed(redacted.Bytes()),
		} {
			err := s.RestoreSnapshot(bytes.NewReader(data))
			if e := api.AsError(err); e == nil || e.HTTPCode() != 500 || !strings.HasPrefix(e.Message, "failed to restore from snapshot: ") {
				t.Errorf("%s: %v", name, err)
			}
			if state.Namespaces.Get(s.Store().Snapshot(), "kept") == nil {
				t.Errorf("%s: the state is gone", name)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// restoreAlways is the child of TestKillWhileRestoring: it restores two archives in turn until it is killed.
func restoreAlways(ctx context.Context, s *Server, dir string) error {
	for i := 0; ctx.Err() == nil; i++ {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("archive-%d", i%2)))
		if err != nil {
			return err
		}
		fmt.Println("restore", i)
		if err := s.RestoreSnapshot(bytes.NewReader(data)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// TestKillWhileRestoring kills a server while it restores: afterwards it has one state or the other, whole.
func TestKillWhileRestoring(t *testing.T) {
	dir := t.TempDir()
	for i, count := range []int{30, 300} {
		err := runOn(t, filepath.Join(dir, fmt.Sprint(i)), func(ctx context.Context, s *Server) {
			p := &peer{Server: s}
			for n := range count {
				if err := p.write(ctx, fmt.Sprintf("entry-%d", n)); err != nil {
					t.Error(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("archive-%d", i)), archived(t, s, true), 0o600); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	server := filepath.Join(dir, "server")
	for round := range 6 {
		c := startChild(t, server, restoreFrom(dir))
		for said := 0; said < 3+round%3; {
			word, _, ok := c.line()
			if !ok || word == "error" {
				t.Fatalf("round %d: the server ended: %q %s", round, word, c.log.String())
			}
			said++
		}
		c.kill(func(string, int) {})
		err := runOn(t, server, func(_ context.Context, s *Server) {
			if n := state.Namespaces.Len(s.Store().Snapshot()); n != 31 && n != 301 {
				t.Errorf("round %d: %d namespaces", round, n)
			}
		})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

func TestSnapshotInMemory(t *testing.T) {
	_, trans := raft.NewInmemTransport("127.0.0.1:4647")
	s, err := New(Config{Name: "a", BootstrapExpect: 1, RPCAdvertise: "127.0.0.1:4647", SerfBind: "127.0.0.1:0"}, Deps{RaftTransport: trans})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveSnapshot(t.Context(), false); api.AsError(err).HTTPCode() != 500 {
		t.Error(err)
	}
	if err := s.RestoreSnapshot(strings.NewReader("")); api.AsError(err).HTTPCode() != 500 {
		t.Error(err)
	}
}
