// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// used makes a data directory with a log and, if asked, snapshots.
func used(t *testing.T, writes int) string {
	t.Helper()
	dir := t.TempDir()
	err := runOn(t, dir, func(ctx context.Context, s *Server) {
		for i := range writes {
			ns := &api.Namespace{Name: fmt.Sprintf("written-%d", i), Description: strings.Repeat("marker", 20)}
			if _, _, err := s.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{ns}})); err != nil {
				t.Error(err)
			}
		}
		if writes > 100 {
			r, err := s.raft()
			if err != nil {
				t.Error(err)
				return
			}
			for range 2 {
				if err := r.Snapshot().Error(); err != nil {
					t.Error(err)
				}
				if err := s.Barrier(ctx); err != nil {
					t.Error(err)
				}
				if _, _, err := s.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{})); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func change(t *testing.T, path string, do func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, do(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func snapshots(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "raft", "snapshots", "*", "state.bin"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no snapshots: %v", err)
	}
	return list
}

// flip changes a bit wherever the text stands: some pages of the log are free and nobody reads them.
func flip(needle string) func(b []byte) []byte {
	return func(b []byte) []byte {
		for i := bytes.Index(b, []byte(needle)); i >= 0; i = bytes.Index(b, []byte(needle)) {
			b[i+3] ^= 1
		}
		return b
	}
}

// TestDamagedDirectory: a server refuses a directory that it cannot use, names the file and says what to do.
func TestDamagedDirectory(t *testing.T) {
	const todo = "move it away and join the cluster again"
	for _, test := range []struct {
		name   string
		writes int
		damage func(t *testing.T, dir string)
		want   []string
	}{
		{"nothing", 10, func(*testing.T, string) {}, nil},
		{"entry of the log", 10, func(t *testing.T, dir string) { change(t, filepath.Join(dir, "raft", "raft.db"), flip("markermarker")) }, []string{"raft.db", "checksum", todo}},
		{"log of garbage", 10, func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "raft", "raft.db"), func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) })
		}, []string{"raft.db", "damaged", todo}},
		{"empty log", 10, func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "raft", "raft.db"), func([]byte) []byte { return nil })
		}, []string{"raft.db", "missing or empty", todo}},
		{"missing log", 10, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "raft", "raft.db")) }, []string{"raft.db", "missing or empty", todo}},
		{"missing raft directory", 10, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "raft")) }, []string{"raft.db", "missing or empty", todo}},
		{"missing ID", 10, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "node-id")) }, []string{"node-id", "missing", todo}},
		{"damaged ID", 10, func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "node-id"), func([]byte) []byte { return []byte("x") })
		}, []string{"node-id", "damaged", todo}},
		{"another ID", 10, func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "node-id"), func(b []byte) []byte {
				b[0] = "0123456789abcdef0"[strings.IndexByte("0123456789abcdef", b[0])+1]
				return b
			})
		}, []string{"node-id", "raft knows it", "write that ID into the file", todo}},
		{"all snapshots", 150, func(t *testing.T, dir string) {
			for _, path := range snapshots(t, dir) {
				change(t, path, flip("written-"))
			}
		}, []string{"raft", todo}},
		{"missing snapshots", 150, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "raft", "snapshots")) }, []string{"raft.db", "are missing", todo}},
		{"directory is a file", 0, func(t *testing.T, dir string) {
			remove(t, dir)
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"choose another data_dir"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := used(t, test.writes)
			test.damage(t, dir)
			led := false
			err := runOn(t, dir, func(_ context.Context, s *Server) {
				led = true
				if n := state.Namespaces.Len(s.Store().Snapshot()); n != test.writes+1 {
					t.Errorf("%d namespaces", n)
				}
			})
			if test.want == nil {
				if err != nil || !led {
					t.Errorf("led %v, error %v", led, err)
				}
				return
			}
			if led {
				t.Error("the server leads on a damaged directory")
			}
			for _, want := range append(test.want, dir) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedNewestSnapshot: an older snapshot and the log serve as long as they meet, else there is an error.
func TestDamagedNewestSnapshot(t *testing.T) {
	dir := used(t, 150)
	list := snapshots(t, dir)
	if len(list) != retainSnapshots {
		t.Fatalf("snapshots %v", list)
	}
	change(t, list[len(list)-1], flip("written-")) // their names sort by term and index
	err := runOn(t, dir, func(_ context.Context, s *Server) {
		if n := state.Namespaces.Len(s.Store().Snapshot()); n != 151 {
			t.Errorf("%d namespaces after falling back to the older snapshot", n)
		}
	})
	if err != nil {
		t.Errorf("an older snapshot meets the log, but: %v", err)
	}
}

// TestUnreadableEntry: an entry of a newer version stops the server with words about what to do, also when
// it starts again.
func TestUnreadableEntry(t *testing.T) {
	dir := t.TempDir()
	for round, writes := range []bool{true, false} {
		err := stopsOn(t, dir, writes)
		for _, want := range []string{"command 32767 is unknown", "upgrade", "raft.db"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("round %d: error %v, want one with %q", round, err, want)
			}
		}
	}
}

// stopsOn runs a server that ends by itself; if asked, with an entry that nobody knows.
func stopsOn(t *testing.T, dir string, write bool) error {
	t.Helper()
	s := newOn(t, dir)
	s.AddDuty(Duty{Name: "test", Run: func(ctx context.Context) error {
		if write {
			if _, _, err := s.Apply(ctx, []byte{1, 0x7f, 0xff, 0x80}); err == nil {
				t.Error("the entry was acknowledged")
			}
		}
		<-ctx.Done()
		return nil
	}})
	err := s.Run(within(t))
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the server went on")
	}
	return err
}
