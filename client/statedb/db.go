// SPDX-License-Identifier: MPL-2.0

package statedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	bolt "go.etcd.io/bbolt"

	"github.com/nomadlike/nomadlike/internal/run"
)

// retryWait is how long a failed commit waits before it is tried again.
const retryWait = 2 * time.Second

// DB is the state of one client.
type DB struct {
	logger hclog.Logger
	path   string
	bolt   *bolt.DB // nil in memory

	wake   chan struct{}
	done   chan struct{}
	stop   context.CancelFunc
	closed sync.Once

	// committing is held by whoever writes to the file, so that writes stay in order.
	committing sync.Mutex

	mu struct {
		sync.Mutex
		// puts are values that are not on disk yet, nil to delete the key; drops are prefixes to be
		// deleted before them.
		puts  map[string][]byte
		drops []string
		// next is told when what is queued now has been tried, current when what is being written has.
		next, current *round
		// memory is all there is when there is no file.
		memory map[string][]byte
	}
}

// round is one attempt to commit.
type round struct {
	done chan struct{}
	err  error
}

func newRound() *round { return &round{done: make(chan struct{})} }

// Open opens the file at path, creating it if need be.
func Open(path string, logger hclog.Logger) (*DB, error) {
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return start(path, file, logger), nil
}

// OpenReadOnly opens an existing file for reading alone, while no agent uses it.
func OpenReadOnly(path string, logger hclog.Logger) (*DB, error) {
	file, err := openExisting(path)
	if err != nil {
		return nil, err
	}
	return start(path, file, logger), nil
}

// OpenMemory returns a DB that forgets everything with the process.
func OpenMemory() *DB { return start("", nil, hclog.NewNullLogger()) }

func start(path string, file *bolt.DB, logger hclog.Logger) *DB {
	ctx, cancel := context.WithCancel(context.Background())
	db := &DB{logger: logger, path: path, bolt: file, stop: cancel, wake: make(chan struct{}, 1), done: make(chan struct{})}
	db.mu.puts = map[string][]byte{}
	db.mu.next = newRound()
	if file == nil {
		db.mu.memory = map[string][]byte{}
	}
	go db.commit(ctx)
	return db
}

// Close commits what is queued and closes the file. It reports what could not be committed.
func (db *DB) Close() error {
	var err error
	db.closed.Do(func() {
		db.stop()
		<-db.done
		if r := db.flush(); r != nil {
			err = fmt.Errorf("commit client state %s: %w", db.path, r)
		}
		if db.bolt != nil {
			err = errors.Join(err, db.bolt.Close())
		}
	})
	return err
}

// Sync waits until everything queued before the call is on disk, or reports why it is not; it then
// stays queued.
func (db *DB) Sync(ctx context.Context) error {
	db.mu.Lock()
	r := db.mu.next
	if len(db.mu.puts) == 0 && len(db.mu.drops) == 0 {
		r = db.mu.current
	}
	db.mu.Unlock()
	if r == nil {
		return nil
	}
	db.poke()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	case <-db.done:
		return errors.New("client state is closed")
	}
}

// put queues a value; nil deletes the key.
func (db *DB) put(key string, value []byte) {
	db.mu.Lock()
	db.mu.puts[key] = value
	db.mu.Unlock()
	db.poke()
}

// drop queues the deletion of all keys with the prefix.
func (db *DB) drop(prefix string) {
	db.mu.Lock()
	for k := range db.mu.puts {
		if strings.HasPrefix(k, prefix) {
			delete(db.mu.puts, k)
		}
	}
	db.mu.drops = append(db.mu.drops, prefix)
	db.mu.Unlock()
	db.poke()
}

func (db *DB) poke() {
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

// commit is the goroutine that writes.
func (db *DB) commit(ctx context.Context) {
	defer close(db.done)
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.wake:
		}
		err := db.flush()
		if err == nil {
			if failing {
				db.logger.Info("client state can be written again", "path", db.path)
			}
			failing = false
			continue
		}
		if !failing {
			db.logger.Error("client state cannot be written; what it lacks is kept in memory", "path", db.path, "error", err)
		}
		failing = true
		if run.Sleep(ctx, retryWait) != nil {
			return
		}
		db.poke()
	}
}

// flush commits what is queued, and queues it again if that fails.
func (db *DB) flush() error {
	db.committing.Lock()
	defer db.committing.Unlock()
	db.mu.Lock()
	puts, drops, r := db.mu.puts, db.mu.drops, db.mu.next
	if len(puts) == 0 && len(drops) == 0 {
		db.mu.Unlock()
		return nil
	}
	db.mu.puts, db.mu.drops, db.mu.next, db.mu.current = map[string][]byte{}, nil, newRound(), r
	defer func() {
		db.mu.Lock()
		db.mu.current = nil
		db.mu.Unlock()
		close(r.done)
	}()
	if db.bolt == nil {
		db.apply(puts, drops)
		db.mu.Unlock()
		return nil
	}
	db.mu.Unlock()

	_, r.err = guard(func() (*bolt.DB, error) { return nil, db.write(puts, drops) })
	if r.err != nil {
		db.requeue(puts, drops)
	}
	return r.err
}

// requeue puts back what could not be written, behind what has come since.
func (db *DB) requeue(puts map[string][]byte, drops []string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for k, v := range puts {
		if _, newer := db.mu.puts[k]; newer {
			continue
		}
		if slices.ContainsFunc(db.mu.drops, func(p string) bool { return strings.HasPrefix(k, p) }) {
			continue
		}
		db.mu.puts[k] = v
	}
	db.mu.drops = append(drops, db.mu.drops...)
}

func (db *DB) write(puts map[string][]byte, drops []string) error {
	return db.bolt.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketData)
		for _, prefix := range drops {
			c := b.Cursor()
			for k, _ := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, _ = c.Seek([]byte(prefix)) {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
		}
		for k, v := range puts {
			var err error
			if v == nil {
				err = b.Delete([]byte(k))
			} else {
				err = b.Put([]byte(k), v)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	})
}

// apply does to the memory what write does to the file; db.mu is held.
func (db *DB) apply(puts map[string][]byte, drops []string) {
	for _, prefix := range drops {
		for k := range db.mu.memory {
			if strings.HasPrefix(k, prefix) {
				delete(db.mu.memory, k)
			}
		}
	}
	for k, v := range puts {
		if v == nil {
			delete(db.mu.memory, k)
		} else {
			db.mu.memory[k] = v
		}
	}
}

// each calls fn with every stored key of the prefix in order, after committing what is queued.
func (db *DB) each(prefix string, fn func(key string, value []byte) error) error {
	if err := db.flush(); err != nil {
		return err
	}
	if db.bolt == nil {
		db.mu.Lock()
		defer db.mu.Unlock()
		var keys []string
		for k := range db.mu.memory {
			if strings.HasPrefix(k, prefix) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			if err := fn(k, db.mu.memory[k]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := guard(func() (*bolt.DB, error) {
		return nil, db.bolt.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketData).Cursor()
			for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
				if err := fn(string(k), v); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return err
}
