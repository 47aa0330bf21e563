// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // again is no harm
	return s
}

func entries(from, to uint64) []*raft.Log {
	var logs []*raft.Log
	for i := from; i <= to; i++ {
		logs = append(logs, &raft.Log{
			Index: i, Term: 1 + i/10, Type: raft.LogCommand, Data: bytes.Repeat([]byte(fmt.Sprintf("entry-%d.", i)), int(i%50)+1),
			Extensions: []byte("ext"), AppendedAt: time.Unix(0, int64(1_700_000_000_000_000_000+i)),
		})
	}
	return logs
}

func bounds(t *testing.T, s *Store) [2]uint64 {
	t.Helper()
	first, err := s.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	return [2]uint64{first, last}
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	s := openAt(t, path)
	if got := bounds(t, s); got != [2]uint64{} {
		t.Fatalf("new log from %d to %d", got[0], got[1])
	}
	if err := s.StoreLogs(entries(5, 300)); err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLog(entries(301, 301)[0]); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		low, high uint64
		want      [2]uint64
	}{
		{1, 4, [2]uint64{5, 301}},
		{0, 9, [2]uint64{10, 301}},      // compaction
		{290, 500, [2]uint64{10, 289}},  // conflicting tail
		{400, 500, [2]uint64{10, 289}},  // nothing
		{10, 200, [2]uint64{201, 289}},  // over many pages
		{300, 200, [2]uint64{201, 289}}, // nonsense
	} {
		if err := s.DeleteRange(step.low, step.high); err != nil {
			t.Fatal(err)
		}
		if got := bounds(t, s); got != step.want {
			t.Fatalf("after deleting %d to %d: %v, want %v", step.low, step.high, got, step.want)
		}
	}
	if err := s.StoreLogs(entries(290, 295)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if err := s.Verify(200); err != nil {
		t.Fatal(err)
	}
	for _, want := range entries(201, 295) {
		var got raft.Log
		if err := s.GetLog(want.Index, &got); err != nil {
			t.Fatal(err)
		}
		if got.Index != want.Index || got.Term != want.Term || got.Type != want.Type || !bytes.Equal(got.Data, want.Data) ||
			!bytes.Equal(got.Extensions, want.Extensions) || !got.AppendedAt.Equal(want.AppendedAt) {
			t.Fatalf("entry %+v, want %+v", got, want)
		}
	}
	for _, index := range []uint64{0, 200, 296} {
		if err := s.GetLog(index, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

func TestStableValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	s := openAt(t, path)
	if _, err := s.Get([]byte("a")); err == nil || err.Error() != "not found" {
		t.Errorf("missing value: %v (raft compares the text)", err)
	}
	if _, err := s.GetUint64([]byte("a")); err == nil || err.Error() != "not found" {
		t.Errorf("missing number: %v (raft compares the text)", err)
	}
	for i := range uint64(3) {
		if err := errors.Join(s.SetUint64([]byte("term"), i), s.Set([]byte("vote"), fmt.Append(nil, "the server ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set([]byte("empty"), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	term, err := s.GetUint64([]byte("term"))
	if err != nil || term != 2 {
		t.Errorf("term %d, %v", term, err)
	}
	vote, err := s.Get([]byte("vote"))
	if err != nil || string(vote) != "the server 2" {
		t.Errorf("vote %q, %v", vote, err)
	}
	if v, err := s.Get([]byte("empty")); err != nil || len(v) != 0 {
		t.Errorf("empty value %q, %v", v, err)
	}
	if _, err := s.GetUint64([]byte("vote")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("text as number: %v", err)
	}
}

// TestDamage damages a log in many ways: the error names the file and says what to do.
func TestDamage(t *testing.T) {
	edit := func(change func(b []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	drop := func(indexes ...uint64) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			s := openAt(t, path)
			for _, i := range indexes {
				if err := s.DeleteRange(i, i); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	bucket := func(change func(b *bbolt.Bucket) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			s := openAt(t, path)
			if err := s.db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket(logBucket)) }); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	page := os.Getpagesize()
	const what, todo = "is damaged or no raft log", "restore the directory from a backup"
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, path string)
		want   []string
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"garbage", edit(func(b []byte) []byte { return bytes.Repeat([]byte("garbage."), len(b)/8) }), []string{what, todo}},
		{"short garbage", edit(func([]byte) []byte { return []byte("garbage") }), []string{what, todo}},
		{"other database", edit(func(b []byte) []byte { copy(b, "SQLite format 3\x00"); clear(b[16 : 3*page]); return b }), []string{what, todo}},
		{"cut in half", edit(func(b []byte) []byte { return b[:len(b)/2/page*page] }), []string{what, todo}},
		{"cut to one page", edit(func(b []byte) []byte { return b[:page] }), []string{what, todo}},
		{"cut to its head", edit(func(b []byte) []byte { return b[:2*page] }), []string{what, todo}},
		{"zeros after the head", edit(func(b []byte) []byte { clear(b[2*page:]); return b }), []string{what, todo}},
		{"flipped byte of an entry", edit(func(b []byte) []byte {
			at := bytes.Index(b, []byte("entry-70.entry-70."))
			b[at+3] ^= 1
			return b
		}), []string{what, todo, "entry 70", "checksum"}},
		{"entry of another index", bucket(func(b *bbolt.Bucket) error { return b.Put(key(70), b.Get(key(71))) }), []string{what, todo, "entry 70 says it is 71"}},
		{"entry cut off", bucket(func(b *bbolt.Bucket) error { return b.Put(key(70), []byte{entryFormat}) }), []string{what, todo, "cut off"}},
		{"entry of a newer format", bucket(func(b *bbolt.Bucket) error { return b.Put(key(70), []byte{77, 1, 2, 3, 4, 5}) }), []string{what, "format 77"}},
		{"missing entry", drop(70), []string{what, todo, "entries 70 to 70 are missing"}},
		{"missing start", drop(1, 2, 3), []string{what, todo, "entries 1 to 3 are missing"}},
		{"directory", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, []string{what, todo}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "raft.db")
			s := openAt(t, path)
			if err := s.StoreLogs(entries(1, 200)); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			test.damage(t, path)
			s, err := Open(path, Options{})
			if err == nil {
				err = s.Verify(0)
				if cerr := s.Close(); cerr != nil {
					t.Error(cerr)
				}
			}
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range append(slices.Clone(test.want), path) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

// TestCutOff: a file of which the end is missing is refused, instead of ending the process.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	// Without a list of free pages bbolt reads all pages when it opens the file.
	s, err := Open(path, Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= 64; i++ {
		if err := s.StoreLog(&raft.Log{Index: i, Data: bytes.Repeat([]byte{byte(i)}, 64<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const size = 4 << 20 // what the entries have
	for _, left := range []int64{size / 2, size / 3, 8 * int64(os.Getpagesize())} {
		if err := os.Truncate(path, left); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(path, Options{NoFreelistSync: true}); err == nil || !strings.Contains(err.Error(), "is damaged or no raft log") {
			t.Errorf("with %d of %d bytes: %v, %v", left, size, s, err)
		}
	}
}

// TestFlips flips bytes all over the file: each time it opens and holds the same entries, or there is an
// error. Nothing panics.
func TestFlips(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "raft.db")
	s := openAt(t, path)
	if err := s.StoreLogs(entries(1, 60)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := 0; at < len(good); at += 131 {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		path := filepath.Join(dir, fmt.Sprint(at))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if !flipped(t, path) {
			refused++
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("no flip was noticed")
	}
}

// flipped reports whether the file can be used, and checks what it gives then.
func flipped(t *testing.T, path string) bool {
	t.Helper()
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		return false
	}
	defer func() { _ = s.Close() }() // a damaged file may not close well
	if s.Verify(0) != nil {
		return false
	}
	last, err := s.LastIndex()
	if err != nil {
		return false
	}
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if s.GetLog(i, &l) != nil {
			return false
		}
		if want := entries(i, i)[0]; !bytes.Equal(l.Data, want.Data) || l.Term != want.Term {
			t.Errorf("%s: entry %d has another content", path, i)
		}
	}
	return true
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	s := openAt(t, path)
	_, err := Open(path, Options{})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "in use by another agent: stop that agent") {
		t.Errorf("second store on one file: %v", err)
	}
	if err := s.StoreLogs(entries(1, 3)); err != nil {
		t.Errorf("the first store was disturbed: %v", err)
	}
}

func FuzzDecodeLog(f *testing.F) {
	for _, l := range entries(1, 3) {
		f.Add(encodeLog(l))
	}
	f.Add(encodeLog(&raft.Log{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l raft.Log
		if decodeLog(b, &l) != nil {
			// With a right checksum the rest is looked at, too.
			if len(b) < entryHeader {
				return
			}
			b = bytes.Clone(b)
			seal(b)
			if decodeLog(b, &l) != nil {
				return
			}
		}
		var again raft.Log
		if err := decodeLog(encodeLog(&l), &again); err != nil || again.Index != l.Index || !bytes.Equal(again.Data, l.Data) {
			t.Fatalf("%+v does not survive encoding: %+v, %v", l, again, err)
		}
	})
}

func BenchmarkStoreLogs(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "raft.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	data := make([]byte, 1000)
	index := uint64(0)
	for b.Loop() {
		index++
		if err := s.StoreLog(&raft.Log{Index: index, Term: 1, Data: data}); err != nil {
			b.Fatal(err)
		}
	}
}
