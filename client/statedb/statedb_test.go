// SPDX-License-Identifier: MPL-2.0

package statedb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	bolt "go.etcd.io/bbolt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func record(id string) *AllocRecord {
	now := time.Date(2026, 11, 23, 3, 12, 51, 438406189, time.UTC)
	return &AllocRecord{
		Alloc: &api.Allocation{
			ID: id, Name: "j.g[0]", TaskGroup: "g", AllocModifyIndex: 7,
			Job: &api.Job{ID: "j", Payload: []byte{0, 1}, TaskGroups: []*api.TaskGroup{{
				Name: "g", Tasks: []*api.Task{{Name: "t", Driver: "raw_exec", Config: map[string]any{"command": "/bin/true", "args": []any{"-c", "x"}}}},
			}}},
		},
		Status: AllocStatus{Health: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: &now}, Started: now},
		Tasks: map[string]*TaskRecord{"t": {
			State: &api.TaskState{State: api.TaskStateRunning, StartedAt: &now, Events: []*api.TaskEvent{{Type: "Started", Time: now.UnixNano(), Details: map[string]string{}}}},
			Handle: TaskHandle{
				Pending: "p",
				Handle: &drivers.TaskHandle{
					Version: 1, State: drivers.TaskStateRunning, DriverState: []byte{0xc1, 0x00},
					Config: &drivers.TaskConfig{ID: id + "/t/01234567", Name: "t", DriverConfig: []byte{0x80}, Env: map[string]string{"A": "b"}},
				},
				Network: &drivers.NetworkOverride{IP: "10.0.0.1", PortMap: map[string]int{"http": 80}},
			},
			Hooks: map[string]string{"dispatch_payload": "done"},
		}},
	}
}

func store(t testing.TB, db *DB, r *AllocRecord) {
	t.Helper()
	errs := []error{db.PutAlloc(r.Alloc), db.PutAllocStatus(r.Alloc.ID, &r.Status)}
	for name, task := range r.Tasks {
		errs = append(errs, db.PutTaskState(r.Alloc.ID, name, task.State), db.PutTaskHandle(r.Alloc.ID, name, &task.Handle), db.PutTaskHooks(r.Alloc.ID, name, task.Hooks))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

const (
	idA = "aaaaaaaa-bd7f-3b9c-47d2-f2d8a714cc74"
	idB = "bbbbbbbb-bd7f-3b9c-47d2-f2d8a714cc74"
)

func TestStoredStateComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for name, again := range map[string]func(*DB) *DB{
		"file": func(db *DB) *DB {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, path)
		},
		"memory": func(db *DB) *DB { return db },
	} {
		t.Run(name, func(t *testing.T) {
			db := OpenMemory()
			if name == "file" {
				db = open(t, path)
			}
			store(t, db, record(idA))
			store(t, db, record(idB))
			if err := db.PutReattach("raw_exec", []byte("reattach")); err != nil {
				t.Fatal(err)
			}
			db.PutNode("meta", []byte("m"))
			db = again(db)
			got, err := db.Allocs()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]*AllocRecord{record(idA), record(idB)}, got); d != "" {
				t.Errorf("restored state differs (-want +got):\n%s", d)
			}
			if p, err := db.GetReattach("raw_exec"); err != nil || string(p) != "reattach" {
				t.Errorf("plugin = %q, %v", p, err)
			}
			db.DeleteAlloc(idA)
			if err := db.PutTaskHandle(idB, "t", &TaskHandle{}); err != nil {
				t.Fatal(err)
			}
			if err := db.DeleteReattach("raw_exec"); err != nil {
				t.Fatal(err)
			}
			db = again(db)
			got, err = db.Allocs()
			if err != nil || len(got) != 1 || got[0].Alloc.ID != idB || got[0].Tasks["t"].Handle.Handle != nil {
				t.Errorf("after a deletion there is %v, %v", got, err)
			}
			if p, err := db.GetReattach("raw_exec"); err != nil || p != nil {
				t.Errorf("plugin = %q, %v after it was forgotten", p, err)
			}
			if n, err := db.Node("meta"); err != nil || string(n) != "m" {
				t.Errorf("node value = %q, %v", n, err)
			}
		})
	}
}

func TestDeletionAndLaterWritesKeepTheirOrder(t *testing.T) {
	db := OpenMemory()
	defer db.Close()
	store(t, db, record(idA))
	db.DeleteAlloc(idA)
	if err := db.PutAlloc(record(idA).Alloc); err != nil {
		t.Fatal(err)
	}
	got, err := db.Allocs()
	if err != nil || len(got) != 1 || len(got[0].Tasks) != 0 {
		t.Errorf("got %v, %v, want the allocation without its tasks", got, err)
	}
}

func TestConcurrentWritersShareCommits(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	before := db.bolt.Stats()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			r := record(fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", i))
			store(t, db, r)
			if err := db.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	after := db.bolt.Stats()
	since := after.Sub(&before)
	// Each transaction ends with one write of its meta page at least.
	t.Logf("%d page writes for 500 values", since.TxStats.GetWrite())
	got, err := db.Allocs()
	if err != nil || len(got) != 100 {
		t.Errorf("%d allocations, %v", len(got), err)
	}
}

func TestFailedWritesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	store(t, db, record(idA))
	if err := db.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A key that bbolt refuses stands for a full disk: the whole transaction fails.
	db.put(strings.Repeat("x", bolt.MaxKeySize+1), []byte("v"))
	store(t, db, record(idB))
	if err := db.Sync(t.Context()); err == nil {
		t.Fatal("a failed commit was reported as done")
	}
	db.mu.Lock()
	kept := len(db.mu.puts)
	delete(db.mu.puts, strings.Repeat("x", bolt.MaxKeySize+1))
	db.mu.Unlock()
	if kept < 6 {
		t.Errorf("%d values are kept after a failed commit, want all 6", kept)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, path).Allocs()
	if err != nil || len(got) != 2 {
		t.Errorf("%d allocations, %v, want both", len(got), err)
	}
}

func TestSecondAgentIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	open(t, path)
	_, err := Open(path, hclog.NewNullLogger())
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v, want %v with the path", err, ErrInUse)
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	if err := db.bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, []byte("99")) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, hclog.NewNullLogger()); !errors.Is(err, ErrNewer) {
		t.Errorf("Open = %v, want %v", err, ErrNewer)
	}
}

func TestDamagedFilesAreReportedAndKept(t *testing.T) {
	var used int64
	whole := func() []byte {
		path := filepath.Join(t.TempDir(), "state.db")
		db := open(t, path)
		for i := range 200 {
			store(t, db, record(fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", i)))
		}
		if err := db.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.bolt.View(func(tx *bolt.Tx) error { used = tx.Size(); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}()
	page := os.Getpagesize()
	fill := func(from, to int) []byte {
		d := append([]byte(nil), whole...)
		for i := from; i < min(to, len(d)); i++ {
			d[i] = 0xff
		}
		return d
	}
	for name, data := range map[string][]byte{
		"text":           []byte("this is not a database, and long enough to be looked at"),
		"half":           whole[:len(whole)/2/page*page],
		"one page":       whole[:page],
		"cut in a page":  whole[:used-int64(page)-100],
		"no metas":       fill(0, 2*page),
		"noise all over": fill(2*page, len(whole)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(path, hclog.NewNullLogger())
			if err == nil {
				_ = db.Close()
				t.Fatal("a damaged file was opened")
			}
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move the file away") {
				t.Errorf("error does not help: %v", err)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != string(data) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

func TestOneBadValueDoesNotHideTheOthers(t *testing.T) {
	db := OpenMemory()
	defer db.Close()
	store(t, db, record(idA))
	store(t, db, record(idB))
	db.put(taskKey(idA, "t", "state"), []byte{0xc1, 0xc1})
	got, err := db.Allocs()
	if err == nil || !strings.Contains(err.Error(), idA) {
		t.Errorf("error = %v, want one that names the allocation", err)
	}
	if len(got) != 1 || got[0].Alloc.ID != idB {
		t.Errorf("got %v, want the other allocation", got)
	}
}

// TestKilledWriter kills a process in the middle of writing; what it said was synced must be there.
func TestKilledWriter(t *testing.T) {
	path := os.Getenv("STATEDB_TEST_WRITER")
	if path != "" {
		db := open(t, path)
		for i := 0; ; i++ {
			store(t, db, record(fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", i)))
			if err := db.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			fmt.Println(i)
		}
	}
	path = filepath.Join(t.TempDir(), "state.db")
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), "STATEDB_TEST_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := -1
		sc := bufio.NewScanner(out)
		for last < 20+round && sc.Scan() {
			if n, err := strconv.Atoi(sc.Text()); err == nil {
				last = n
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for sc.Scan() {
			if n, err := strconv.Atoi(sc.Text()); err == nil {
				last = n
			}
		}
		_ = cmd.Wait()
		db := open(t, path)
		got, err := db.Allocs()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) <= last {
			t.Errorf("%d allocations are stored, %d were synced", len(got), last+1)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkSync(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "state.db"))
	r := record(idA)
	for b.Loop() {
		store(b, db, r)
		if err := db.Sync(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReadOnly reads a file as it is left, and takes it from nobody.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if _, err := OpenReadOnly(path, hclog.NewNullLogger()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	db := open(t, path)
	store(t, db, record(idA))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ro, err := OpenReadOnly(path, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	got, err := ro.Allocs()
	if err != nil || len(got) != 1 || got[0].Alloc.ID != idA {
		t.Errorf("read %v, %v", got, err)
	}
	if err := ro.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed, or cannot be read: %v", err)
	}
	if _, err := OpenReadOnly(t.TempDir(), hclog.NewNullLogger()); err == nil {
		t.Error("a directory was opened")
	}
}
