// SPDX-License-Identifier: MPL-2.0

package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
)

func save(t testing.TB, s *Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSnapshotKeepsEverything(t *testing.T) {
	want := fixture(t, 4, 5, 120)
	for i, table := range tables {
		if table.rowCount(want.Snapshot().roots[i]) == 0 {
			t.Errorf("table %s is empty in the fixture: give it rows, so that this test sees them", table.Name())
		}
	}
	saved := save(t, want.Snapshot())
	got := New()
	if err := got.Restore(bytes.NewReader(saved)); err != nil {
		t.Fatal(err)
	}
	compare(t, got.Snapshot(), want.Snapshot())
	if again := save(t, got.Snapshot()); !bytes.Equal(again, saved) {
		t.Error("the restored state is saved as other bytes")
	}
	for a := range Allocs.All(got.Snapshot()) {
		if a.Job != JobVersions.Get(got.Snapshot(), a.Namespace, a.JobID, a.Job.Version) {
			t.Fatalf("allocation %s has a job of its own instead of the stored version", a.ID)
		}
	}
}

func TestSnapshotSharesPartsAgain(t *testing.T) {
	s := fixture(t, 1, 1, 50)
	restored := New()
	if err := restored.Restore(bytes.NewReader(save(t, s.Snapshot()))); err != nil {
		t.Fatal(err)
	}
	resources, metrics := map[*api.AllocatedResources]bool{}, map[*api.AllocMetric]bool{}
	for a := range Allocs.All(restored.Snapshot()) {
		resources[a.AllocatedResources], metrics[a.Metrics] = true, true
	}
	if len(resources) != 1 || len(metrics) != 1 {
		t.Errorf("%d resources and %d metrics for allocations that share one each", len(resources), len(metrics))
	}
}

// TestSharedSlots writes and reads more parts than are remembered at a time.
func TestSharedSlots(t *testing.T) {
	write, read := shared[int]{size: 3}, shared[int]{size: 3}
	parts := make([]int, 10)
	for i := range parts {
		n := write.add(&parts[i])
		if got := read.add(&parts[i]); got != n {
			t.Fatalf("part %d: the reader gives number %d, the writer %d", i, got, n)
		}
		if p, err := read.at(n); err != nil || p != &parts[i] {
			t.Fatalf("part %d is not at number %d", i, n)
		}
		for old := range parts[:i+1] {
			if _, ok := write.lookup(&parts[old]); ok != (old > i-3) {
				t.Fatalf("after part %d: part %d remembered: %v", i, old, ok)
			}
		}
	}
	if _, err := read.at(3); !errors.Is(err, errDamaged) {
		t.Errorf("number beyond all slots: %v", err)
	}
}

func TestStoreGoesOnAfterRestore(t *testing.T) {
	s := fixture(t, 2, 2, 10)
	saved := save(t, s.Snapshot())
	restored := New()
	called := 0
	restored.OnRestore(func() { called++ })
	tx := restored.Read()
	Jobs.Get(tx, "default", "job-0")
	woken := make(chan error, 1)
	go func() { woken <- tx.Watch(context.Background()) }()
	if err := restored.Restore(bytes.NewReader(saved)); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	if called != 1 {
		t.Errorf("%d calls of OnRestore, want 1", called)
	}
	for _, store := range []*Store{s, restored} {
		w := store.Begin(5000, "More")
		a := *Allocs.Get(w, firstAlloc(store).ID)
		a.ClientStatus = api.AllocClientLost
		Allocs.Put(w, &a)
		Nodes.Delete(w, nodeID(1))
		Jobs.Delete(w, "default", "job-1")
		w.Commit()
	}
	compare(t, restored.Snapshot(), s.Snapshot())
}

func firstAlloc(s *Store) *api.Allocation {
	for a := range Allocs.All(s.Snapshot()) {
		return a
	}
	return nil
}

func TestSaveWhileWriting(t *testing.T) {
	s := fixture(t, 2, 2, 300)
	before := s.Snapshot()
	want := save(t, before)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range uint64(50) {
			w := s.Begin(6000+i, "More")
			a := *firstAlloc(s)
			a.ClientDescription = strings.Repeat("x", int(i))
			Allocs.Put(w, &a)
			w.Commit()
		}
	}()
	for range 3 {
		if !bytes.Equal(save(t, before), want) {
			t.Error("a snapshot changed while commits went on")
		}
	}
	<-done
}

type brokenWriter struct{ left int }

var errFull = errors.New("disk full")

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestSaveReportsWriteErrors(t *testing.T) {
	s := fixture(t, 2, 2, 300)
	size := len(save(t, s.Snapshot()))
	for _, left := range []int{0, 1 << 16, size / 2, size - 1} {
		if err := s.Snapshot().Save(&brokenWriter{left}); !errors.Is(err, errFull) {
			t.Errorf("disk full after %d of %d bytes: %v", left, size, err)
		}
	}
}

// TestDamagedSnapshot changes and cuts a snapshot everywhere: each time the error says that it is damaged
// and what to do, and the store stays as it was.
func TestDamagedSnapshot(t *testing.T) {
	s := fixture(t, 1, 1, 3)
	saved := save(t, s.Snapshot())
	target := fixture(t, 2, 1, 0)
	before := target.Snapshot()
	check := func(what string, at int, b []byte) {
		t.Helper()
		err := target.Restore(bytes.NewReader(b))
		if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "use an older snapshot") {
			t.Fatalf("%s at %d of %d: %v", what, at, len(saved), err)
		}
		if target.Snapshot() != before {
			t.Fatalf("%s at %d: the store was changed", what, at)
		}
	}
	// Every position near the frame heads, samples elsewhere.
	step := 1 + len(saved)/997
	for at := range saved {
		if at > 200 && at < len(saved)-40 && at%step != 0 {
			continue
		}
		flipped := bytes.Clone(saved)
		flipped[at] ^= 0x41
		check("flipped byte", at, flipped)
		check("cut", at, saved[:at])
	}
	check("appended byte", len(saved), append(bytes.Clone(saved), 0))
	check("appended snapshot", len(saved), append(bytes.Clone(saved), saved...))
}

// sealed returns a snapshot of frames with right checksums.
func sealed(frames ...[]byte) []byte {
	b := []byte(snapshotMagic)
	for _, f := range frames {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = binary.BigEndian.AppendUint32(b, crc32.Checksum(f, castagnoli))
		b = append(b, f...)
	}
	return b
}

func frame(t testing.TB, kind byte, v any) []byte {
	t.Helper()
	b, err := codec.Append([]byte{kind}, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records returns a frame of rows, each given with its kind.
func records(rows ...[]byte) []byte {
	b := []byte{frameRecords}
	for _, r := range rows {
		b = append(binary.AppendUvarint(b, uint64(len(r))), r...)
	}
	return b
}

func TestWrongSnapshots(t *testing.T) {
	head := frame(t, frameSnapshot, &snapshotHeader{Version: snapshotVersion, Index: 9})
	evals := func(rows uint64) []byte {
		return frame(t, frameTable, &tableHeader{Name: "evals", Index: 9, Rows: rows})
	}
	allocs := frame(t, frameTable, &tableHeader{Name: "allocs", Rows: 1})
	row := frame(t, recordRow, &api.Evaluation{ID: "a", JobID: "j"})
	other := frame(t, recordRow, &api.Evaluation{ID: "b", JobID: "j"})
	end := []byte{frameEnd}
	for _, test := range []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"fine", [][]byte{head, evals(2), records(row), records(other), end}, ""},
		{"empty", [][]byte{head, end}, ""},
		{"nothing", [][]byte{end}, "damaged"},
		{"newer format", [][]byte{frame(t, frameSnapshot, &snapshotHeader{Version: 2}), end}, "use the version that wrote it"},
		{"unknown table", [][]byte{head, frame(t, frameTable, &tableHeader{Name: "ghosts"}), end}, `table "ghosts"`},
		{"no end", [][]byte{head, evals(1), records(row)}, "cut off"},
		{"fewer rows", [][]byte{head, evals(2), records(row), end}, "fewer rows than announced"},
		{"more rows", [][]byte{head, evals(1), records(row, other), end}, "more rows than announced"},
		{"row twice", [][]byte{head, evals(2), records(row, row), end}, "row comes twice"},
		{"table twice", [][]byte{head, evals(1), records(row), evals(1), records(other), end}, "table evals comes twice"},
		{"unknown record", [][]byte{head, evals(1), records([]byte{77, 1}), end}, "record of kind 77"},
		{"row too long", [][]byte{head, evals(1), {frameRecords, 200, row[0]}, end}, "row is cut off"},
		{"row of garbage", [][]byte{head, evals(1), records([]byte{recordRow, 0xc1}), end}, "damaged"},
		{"missing job", [][]byte{head, frame(t, frameTable, &tableHeader{Name: "jobs", Rows: 1}), records(frame(t, recordRow, &jobRow{})), end}, "row without a job"},
		{"unknown job", [][]byte{head, allocs, records(frame(t, recordRow, &allocRow{Alloc: &api.Allocation{ID: "a"}, Job: 5})), end}, "shared part 4 of 0"},
		{"missing alloc", [][]byte{head, allocs, records([]byte{recordRow, 0x81, 0xa5, 'A', 'l', 'l', 'o', 'c', 0xc0}), end}, "row without an allocation"},
		{"second head", [][]byte{head, head, end}, "damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			err := s.Restore(bytes.NewReader(sealed(test.frames...)))
			if test.want == "" {
				if err != nil || s.Index() != 9 {
					t.Errorf("index %d, error %v", s.Index(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// FuzzRestore restores frames of any content with right checksums.
func FuzzRestore(f *testing.F) {
	s := New()
	w := s.Begin(7, "Fuzz")
	j := &api.Job{ID: "j", Namespace: "default", TaskGroups: []*api.TaskGroup{{Name: "g"}}}
	Jobs.Put(w, j)
	Nodes.Put(w, &api.Node{ID: "n", NodeResources: &api.NodeResources{}})
	Allocs.Put(w, &api.Allocation{ID: "a", Namespace: "default", JobID: "j", NodeID: "n", Job: j, AllocatedResources: &api.AllocatedResources{}})
	w.Commit()
	f.Add(save(f, s.Snapshot()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New()
		before := s.Snapshot()
		if err := s.Restore(bytes.NewReader(reseal(b))); err != nil {
			if s.Snapshot() != before {
				t.Fatal("a snapshot that was refused changed the store")
			}
			return
		}
		again := New()
		if err := again.Restore(bytes.NewReader(save(t, s.Snapshot()))); err != nil {
			t.Fatalf("a restored state cannot be saved and restored: %v", err)
		}
	})
}

// reseal corrects the checksums of all frames.
func reseal(b []byte) []byte {
	b = bytes.Clone(b)
	for at := len(snapshotMagic); at+8 <= len(b); {
		n := int(binary.BigEndian.Uint32(b[at:]))
		if n > len(b)-at-8 {
			break
		}
		binary.BigEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+8:at+8+n], castagnoli))
		at += 8 + n
	}
	return b
}
