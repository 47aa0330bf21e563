// SPDX-License-Identifier: MPL-2.0

package statedb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// schema is the version of what is in the file. A file of a newer one is refused.
const schema = "1"

var (
	bucketMeta = []byte("meta")
	bucketData = []byte("data")
	keySchema  = []byte("schema")
)

// smallest is the least that a file in use can have: two meta pages, a free list and a root.
const smallest = 4 * 4096

// lockWait is how long another process may hold the file; it covers an agent that is just ending.
const lockWait = 2 * time.Second

// Errors of Open.
var (
	// ErrInUse says that another process has the file open.
	ErrInUse = errors.New("in use by another agent")
	// ErrCorrupt says that the file cannot be read.
	ErrCorrupt = errors.New("corrupted")
	// ErrNewer says that a newer version of the product wrote the file.
	ErrNewer = errors.New("written by a newer version")
)

// openFile opens the bbolt file, which is made if need be, and checks all of it.
func openFile(path string) (*bolt.DB, error) {
	return openWith(path, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType}, prepare)
}

// openExisting opens the bbolt file for reading alone and checks all of it.
func openExisting(path string) (*bolt.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open client state: %w", err)
	}
	return openWith(path, &bolt.Options{Timeout: lockWait, ReadOnly: true}, checkSchema)
}

func openWith(path string, o *bolt.Options, prepare func(*bolt.DB) error) (*bolt.DB, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < smallest {
		return nil, corrupt(path, fmt.Errorf("it has only %d bytes", info.Size()))
	}
	db, err := guard(func() (*bolt.DB, error) {
		// Without a stored free list, opening walks the file in a goroutine where damage ends the process.
		return bolt.Open(path, 0o600, o)
	})
	switch {
	case err == nil:
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("client state %s is %w: stop it, or give this one its own data_dir", path, ErrInUse)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errReadOnly):
		return nil, fmt.Errorf("client state %s cannot be written: give the agent's user the directory, or choose another state_dir: %w", path, err)
	case isDamage(err):
		return nil, corrupt(path, err)
	default:
		return nil, fmt.Errorf("open client state %s: %w", path, err)
	}
	_, err = guard(func() (*bolt.DB, error) { return db, check(db) })
	if err == nil {
		_, err = guard(func() (*bolt.DB, error) { return db, prepare(db) })
	}
	if err == nil {
		return db, nil
	}
	_, _ = guard(func() (*bolt.DB, error) { return nil, db.Close() })
	switch {
	case errors.Is(err, ErrNewer):
		return nil, fmt.Errorf("client state %s was %w", path, err)
	case isDamage(err):
		return nil, corrupt(path, err)
	}
	return nil, fmt.Errorf("open client state %s: %w", path, err)
}

func corrupt(path string, err error) error {
	return fmt.Errorf("client state %s is %w (%v): move the file away to start without it; "+
		"tasks that still run are then unknown to the agent and have to be stopped by hand", path, ErrCorrupt, err)
}

// damage is what reading a broken file ends in.
type damage struct{ error }

func (d damage) Unwrap() error { return d.error }

func isDamage(err error) bool {
	return errors.As(err, new(damage)) || errors.Is(err, bolterrors.ErrInvalid) ||
		errors.Is(err, bolterrors.ErrVersionMismatch) || errors.Is(err, bolterrors.ErrChecksum) ||
		errors.Is(err, bolterrors.ErrInvalidMapping)
}

// guard turns the panics and memory faults that a broken or truncated file causes into errors.
func guard(fn func() (*bolt.DB, error)) (db *bolt.DB, err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if p := recover(); p != nil {
			err = damage{fmt.Errorf("%v", p)}
		}
	}()
	return fn()
}

// check reads the whole file, so that damage shows at start and not in the middle of work.
func check(db *bolt.DB) error {
	return db.View(func(tx *bolt.Tx) error {
		info, err := os.Stat(db.Path())
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return damage{fmt.Errorf("%d of %d bytes are missing", tx.Size()-info.Size(), tx.Size())}
		}
		// Walking the buckets here keeps faults in this goroutine, where guard sees them; tx.Check
		// reads in one of its own.
		if err := tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				for _, c := range k {
					_ = c
				}
				return nil
			})
		}); err != nil {
			return damage{err}
		}
		return nil
	})
}

// prepare makes the buckets of a new file and refuses those of a newer schema.
func prepare(db *bolt.DB) error {
	return db.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucketIfNotExists(bucketData); err != nil {
			return err
		}
		if len(meta.Get(keySchema)) == 0 {
			return meta.Put(keySchema, []byte(schema))
		}
		return knownSchema(meta)
	})
}

// checkSchema refuses a file that is no client state or of a newer schema.
func checkSchema(db *bolt.DB) error {
	return db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || tx.Bucket(bucketData) == nil {
			return damage{errors.New("it holds no client state")}
		}
		return knownSchema(meta)
	})
}

func knownSchema(meta *bolt.Bucket) error {
	if have := string(meta.Get(keySchema)); have != schema {
		return fmt.Errorf("%w (schema %q, this one knows %q): run that version, or move the file away", ErrNewer, have, schema)
	}
	return nil
}
