// SPDX-License-Identifier: MPL-2.0

package state

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/nomadlike/nomadlike/api"
)

// watching is a reader that waits.
type watching struct {
	woken chan struct{}
	err   error
}

// watch reads and waits in the background; the caller is in a bubble.
func watch(ctx context.Context, s *Store, read func(tx *Tx)) *watching {
	tx := s.Read()
	read(tx)
	w := &watching{woken: make(chan struct{})}
	go func() {
		defer close(w.woken)
		w.err = tx.Watch(ctx)
	}()
	return w
}

// awake reports whether the reader has been woken, after everything has come to rest.
func (w *watching) awake() bool {
	synctest.Wait()
	select {
	case <-w.woken:
		return true
	default:
		return false
	}
}

func put(s *Store, index uint64, rows ...any) {
	w := s.Begin(index, "Put")
	for _, row := range rows {
		switch r := row.(type) {
		case *api.Allocation:
			Allocs.Put(w, r)
		case *api.Node:
			Nodes.Put(w, r)
		case *api.Job:
			Jobs.Put(w, r)
		case *api.Namespace:
			Namespaces.Put(w, r)
		}
	}
	w.Commit()
}

// TestWatchPrecision: a change wakes those whose answer it changes, and nobody else.
func TestWatchPrecision(t *testing.T) {
	on := func(id, node string) *api.Allocation {
		return &api.Allocation{ID: id, Namespace: "default", JobID: "j-" + node, NodeID: node, ClientStatus: api.AllocClientRunning}
	}
	readers := map[string]func(tx *Tx){
		"alloc a1":      func(tx *Tx) { Allocs.Get(tx, "a1") },
		"alloc missing": func(tx *Tx) { Allocs.Get(tx, "b9") },
		"allocs":        func(tx *Tx) { Allocs.All(tx) },
		"prefix a":      func(tx *Tx) { Allocs.Prefix(tx, "a") },
		"prefix b":      func(tx *Tx) { Allocs.Prefix(tx, "b") },
		"any prefix":    func(tx *Tx) { Allocs.Prefix(tx, "") },
		"node n1":       func(tx *Tx) { Allocs.By(tx, ByNode, "n1") },
		"node n2":       func(tx *Tx) { Allocs.Count(tx, ByNode, "n2") },
		"newest first":  func(tx *Tx) { Allocs.Created(tx, 0, "", true) },
		"nodes":         func(tx *Tx) { Nodes.All(tx) },
		"jobs of ns":    func(tx *Tx) { Jobs.Prefix(tx, "ns", "") },
		"jobs of nsx":   func(tx *Tx) { Jobs.Prefix(tx, "nsx", "") },
		"job ns/web":    func(tx *Tx) { Jobs.Prefix(tx, "ns", "web") },
		"a1 or nodes":   func(tx *Tx) { Allocs.Get(tx, "a1"); Nodes.All(tx) },
		"unrecorded":    func(tx *Tx) { Allocs.All(tx.Unrecorded()) },
		"nothing":       func(*Tx) {},
	}
	for _, test := range []struct {
		name   string
		change func(s *Store)
		wakes  []string
	}{
		{"row changed", func(s *Store) { put(s, 20, on("a1", "n1")) }, []string{"alloc a1", "allocs", "prefix a", "any prefix", "node n1", "newest first", "a1 or nodes"}},
		{"other row changed", func(s *Store) { put(s, 20, on("a2", "n2")) }, []string{"allocs", "prefix a", "any prefix", "node n2", "newest first"}},
		{"new row", func(s *Store) { put(s, 20, on("b9", "n3")) }, []string{"alloc missing", "allocs", "prefix b", "any prefix", "newest first"}},
		{"row moved", func(s *Store) { put(s, 20, on("a2", "n1")) }, []string{"allocs", "prefix a", "any prefix", "node n1", "node n2", "newest first"}},
		{"row deleted", func(s *Store) {
			w := s.Begin(20, "Delete")
			Allocs.Delete(w, "a1")
			w.Commit()
		}, []string{"alloc a1", "allocs", "prefix a", "any prefix", "node n1", "newest first", "a1 or nodes"}},
		{"other table", func(s *Store) { put(s, 20, &api.Node{ID: "n9"}) }, []string{"nodes", "a1 or nodes"}},
		{"job", func(s *Store) { put(s, 20, &api.Job{Namespace: "ns", ID: "web"}) }, []string{"jobs of ns", "job ns/web"}},
		{"other job", func(s *Store) { put(s, 20, &api.Job{Namespace: "ns", ID: "db"}) }, []string{"jobs of ns"}},
		{"job of other namespace", func(s *Store) { put(s, 20, &api.Job{Namespace: "nsx", ID: "web"}) }, []string{"jobs of nsx"}},
		{"aborted", func(s *Store) {
			w := s.Begin(20, "Abort")
			Allocs.Delete(w, "a1")
			w.Abort()
		}, nil},
		{"new and deleted", func(s *Store) {
			w := s.Begin(20, "Both")
			Allocs.Put(w, on("b9", "n7"))
			Allocs.Delete(w, "b9")
			w.Commit()
		}, nil},
		{"empty commit", func(s *Store) { s.Begin(20, "Empty").Commit() }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := New()
				put(s, 10, on("a1", "n1"), on("a2", "n2"), &api.Node{ID: "n1"})
				waiting := map[string]*watching{}
				for name, read := range readers {
					waiting[name] = watch(ctx, s, read)
				}
				for name, w := range waiting {
					if w.awake() {
						t.Errorf("%s: woken by nothing", name)
					}
				}
				test.change(s)
				for name, w := range waiting {
					if woken, want := w.awake(), slices.Contains(test.wakes, name); woken != want {
						t.Errorf("%s: woken %v, want %v", name, woken, want)
					}
				}
				cancel()
				for name, w := range waiting {
					if !w.awake() || w.err != nil && !errors.Is(w.err, context.Canceled) {
						t.Errorf("%s: error %v", name, w.err)
					}
				}
				checkEmpty(t, s)
			})
		})
	}
}

// checkEmpty expects that nothing is left of readers that ended.
func checkEmpty(t *testing.T, s *Store) {
	t.Helper()
	for i, r := range s.registries {
		if n := r.waiters.Load(); n != 0 || len(r.mu.lists) != 0 || len(r.mu.lengths) != 0 {
			t.Errorf("table %s: %d waiters, %d lists, %d prefixes left behind", tables[i].Name(), n, len(r.mu.lists), len(r.mu.lengths))
		}
	}
}

// TestWatchLateReader: a reader whose snapshot is older than a change of what it read returns at once.
func TestWatchLateReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New()
		put(s, 10, &api.Node{ID: "n1"}, &api.Node{ID: "n2"})
		row, other, group, table := s.Read(), s.Read(), s.Read(), s.Read()
		Nodes.Get(row, "n1")
		Nodes.Get(other, "n2")
		Nodes.By(group, ByPool, "p")
		Nodes.All(table)
		put(s, 11, &api.Node{ID: "n1", NodePool: "p"})
		for name, tx := range map[string]*Tx{"row": row, "group": group, "table": table} {
			if err := tx.Watch(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		w := &watching{woken: make(chan struct{})}
		go func() { defer close(w.woken); w.err = other.Watch(ctx) }()
		if w.awake() {
			t.Error("a reader was woken by the change of another row")
		}
		cancel()
		<-w.woken
		checkEmpty(t, s)
	})
}

// TestWatchModel compares, for random reads and changes, who is woken with whose answer changed.
func TestWatchModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { watchModel(t, seed) })
		})
	}
}

func watchModel(t *testing.T, seed uint64) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newPlayer(t, seed)
	r := rand.New(rand.NewPCG(seed, 99))
	random := func() func(r Reader) []any {
		alloc, node, job, prefix := fmt.Sprintf("alloc-%d", r.IntN(60)), fmt.Sprintf("node-%d", r.IntN(6)), fmt.Sprintf("job-%d", r.IntN(5)), fmt.Sprintf("alloc-%d", r.IntN(7))
		switch r.IntN(7) {
		case 0:
			return func(r Reader) []any { return []any{Allocs.Get(r, alloc)} }
		case 1:
			return func(r Reader) []any { return rowsOf(slices.Collect(Allocs.By(r, ByNode, node))) }
		case 2:
			return func(r Reader) []any { return rowsOf(slices.Collect(Allocs.By(r, ByJob, "default", job))) }
		case 3:
			return func(r Reader) []any { return rowsOf(slices.Collect(Allocs.Prefix(r, prefix))) }
		case 4:
			return func(r Reader) []any {
				return append(rowsOf(slices.Collect(Evals.By(r, ByJob, "default", job))), Jobs.Get(r, "default", job))
			}
		case 5:
			return func(r Reader) []any { return rowsOf(slices.Collect(Nodes.All(r))) }
		default:
			return func(r Reader) []any { return []any{Nodes.Get(r, node), Allocs.Get(r, alloc)} }
		}
	}
	type reader struct {
		read   func(r Reader) []any
		before []any
		*watching
	}
	start := func() *reader {
		rd := &reader{read: random()}
		rd.watching = watch(ctx, p.store, func(tx *Tx) { rd.before = rd.read(tx) })
		return rd
	}
	readers := make([]*reader, 200)
	for i := range readers {
		readers[i] = start()
	}
	wakes := 0
	for step := range 150 {
		synctest.Wait() // all of them wait: one that comes late may be woken for nothing
		p.step()
		for i, rd := range readers {
			changed := !slices.Equal(rd.read(p.store.Snapshot()), rd.before)
			if rd.awake() != changed {
				t.Fatalf("step %d: answer changed %v, woken %v", step, changed, !changed)
			}
			if changed {
				wakes++
				readers[i] = start()
			}
		}
	}
	if wakes < 200 {
		t.Errorf("only %d wakes", wakes)
	}
	cancel()
	for _, rd := range readers {
		<-rd.woken
	}
	checkEmpty(t, p.store)
}

func rowsOf[T any](rows []*T) []any {
	list := make([]any, 0, len(rows))
	for _, row := range rows {
		list = append(list, row)
	}
	return list
}

// TestManyReaders waits with ten thousand readers, most of them for rows of their own.
func TestManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New()
		const readers = 10_000
		var mu sync.Mutex
		woken := map[int]bool{}
		var done sync.WaitGroup
		for i := range readers {
			tx := s.Read()
			Allocs.By(tx, ByNode, fmt.Sprintf("n%d", i))
			Nodes.Get(tx, fmt.Sprintf("n%d", i))
			if i%100 == 0 {
				Jobs.All(tx)
			}
			done.Go(func() {
				if tx.Watch(ctx) == nil {
					mu.Lock()
					defer mu.Unlock()
					woken[i] = true
				}
			})
		}
		expect := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(woken) != want {
				t.Errorf("%s: %d readers are awake, want %d", what, len(woken), want)
			}
		}
		put(s, 10, &api.Allocation{ID: "a", Namespace: "default", JobID: "j", NodeID: "n77"})
		expect("one node's allocation", 1)
		put(s, 11, &api.Node{ID: "n5"}, &api.Node{ID: "n6"})
		expect("two nodes", 3)
		put(s, 12, &api.Job{Namespace: "default", ID: "j"})
		expect("every job list", 3+readers/100)
		put(s, 13, &api.Namespace{Name: "x"})
		expect("what nobody reads", 3+readers/100)
		cancel()
		done.Wait()
		checkEmpty(t, s)
	})
}

// TestWatchUnderLoad checks with real concurrency that no change is missed: each reader follows one counter.
func TestWatchUnderLoad(t *testing.T) {
	s := New()
	const readers, commits = 40, 300
	var done sync.WaitGroup
	for i := range readers {
		name := fmt.Sprintf("ns-%d", i%4)
		done.Go(func() {
			for last := ""; last != fmt.Sprint(commits); {
				tx := s.Read()
				if n := Namespaces.Get(tx, name); n != nil {
					last = n.Description
				}
				if last == fmt.Sprint(commits) {
					return
				}
				if err := tx.Watch(t.Context()); err != nil {
					t.Errorf("reader %d stopped at %q: %v", i, last, err)
					return
				}
			}
		})
	}
	for n := range commits {
		w := s.Begin(uint64(10+n), "Put")
		for i := range 4 {
			Namespaces.Put(w, &api.Namespace{Name: fmt.Sprintf("ns-%d", i), Description: fmt.Sprint(n + 1)})
		}
		w.Commit()
	}
	done.Wait()
	checkEmpty(t, s)
}

func TestSnapshotAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		ctx, cancel := context.WithCancel(t.Context())
		if snap, err := s.SnapshotAt(ctx, 1); err != nil || snap.Index() != 1 {
			t.Fatal(snap.Index(), err)
		}
		got := make(chan uint64, 1)
		go func() {
			snap, err := s.SnapshotAt(ctx, 12)
			if err != nil {
				t.Error(err)
			}
			got <- snap.Index()
		}()
		s.Begin(11, "x").Commit()
		synctest.Wait()
		if len(got) > 0 {
			t.Error("returned too early")
		}
		s.Begin(13, "x").Commit()
		if index := <-got; index != 13 {
			t.Errorf("index %d", index)
		}
		cancel()
		if _, err := s.SnapshotAt(ctx, 99); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestWatchLetsGo: a reader that waits keeps no version of the tables.
func TestWatchLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New()
		w := watch(ctx, s, func(tx *Tx) { Jobs.Get(tx, "default", "none") })
		if w.awake() {
			t.Fatal("woken without a change")
		}
		seen := weak.Make(s.Snapshot())
		put(s, 10, &api.Node{ID: "11111111-1111-1111-1111-111111111111"})
		runtime.GC()
		if seen.Value() != nil {
			t.Error("the snapshot that a waiting reader read from is still held")
		}
		if w.awake() {
			t.Error("woken by a row it did not read")
		}
		cancel()
		<-w.woken
	})
}
