// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/atomicfile"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// heir is a driver that finds what one has left that was killed: a copy of its file, since the one killed goes on here.
func (w *world) heir(settings drivertest.Config, change func(*ledgerFile)) *Driver {
	w.t.Helper()
	file, err := w.driver.images.ledger.read()
	if err != nil {
		w.t.Fatal(err)
	}
	if change != nil {
		change(file)
	}
	d := New(hclog.NewNullLogger())
	d.images.ledger = newLedger(w.t.TempDir())
	d.images.recovery, d.images.doubtPeriod = 0, 5*time.Millisecond
	if err := d.images.ledger.write(file); err != nil {
		w.t.Fatal(err)
	}
	if err := configure(d, settings); err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) has(name string) bool {
	_, err := w.engine.ImageInspect(context.Background(), name)
	return err == nil
}

// TestImagesOfTheKilled checks what becomes of an image whose driver is killed.
func TestImagesOfTheKilled(t *testing.T) {
	t.Parallel()
	gc := drivertest.Config{"gc": []any{map[string]any{"image_delay": "0s"}}}
	late := func(file *ledgerFile) {
		for _, b := range file.Bringing {
			b.Until = b.Since
		}
	}
	cases := map[string]struct {
		// under is whether the driver is killed while the image is on its way.
		under  bool
		change func(*ledgerFile)
		// used is whether the next one is told of a task that runs it.
		used bool
		goes bool
	}{
		"brought and idle":               {goes: true},
		"brought and used":               {used: true},
		"on its way":                     {under: true, goes: true},
		"on its way, then named by else": {under: true, change: late},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			w := newWorld(t, gc)
			w.driver.images.ledger = newLedger(filepath.Join(w.dir, "state"))
			t.Cleanup(func() { w.dropImages(r.image()) })
			came := make(chan *image, 1)
			go func() {
				found, err := w.driver.images.get(w.ctx, "task", "", &wanted{
					name: r.image(), timeout: patience, tell: func(string, map[string]string) {},
					auth: func(context.Context, reference.Named) (string, error) { return "", nil },
				})
				if err != nil {
					t.Error(err)
				}
				came <- found
			}()
			await(t, "the pull", func() bool { return r.pulls.Load() > 0 })
			var next *Driver
			if c.under {
				next = w.heir(gc, c.change)
			}
			close(r.hold)
			found := <-came
			if found == nil {
				return
			}
			if !c.under {
				next = w.heir(gc, c.change)
			}
			if c.used {
				next.images.resume(found.id, "task", "")
			}
			if err := next.Init(w.ctx); err != nil {
				t.Fatal(err)
			}
			if c.goes {
				await(t, "the removal of the image", func() bool { return !w.has(r.image()) })
			} else {
				await(t, "the end of doubt", func() bool {
					next.images.mu.Lock()
					defer next.images.mu.Unlock()
					return !next.images.mu.doubting
				})
				if next.images.mu.Lock(); len(next.images.mu.removals) != 0 || !w.has(r.image()) {
					t.Error("the image goes")
				}
				next.images.mu.Unlock()
			}
			await(t, "the note of it", func() bool {
				file, err := next.images.ledger.read()
				return err == nil && len(file.Bringing) == 0 && slices.Contains(slices.Collect(maps.Keys(file.Brought)), found.id) == c.used
			})
		})
	}
}

// TestAbandonedLoad checks that an image goes whose start was given up while the engine loaded it.
func TestAbandonedLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"gc": []any{map[string]any{"image_delay": "0s"}}})
	w.driver.images.doubtPeriod = 5 * time.Millisecond
	const name = "nomadlike-test/abandoned:1"
	archive := w.save(name)
	b := w.driver.images.begin(name, w.driver.images.all(w.ctx), patience)
	w.driver.images.end(name, b, nil, nil)
	answer, err := w.engine.ImageLoad(w.ctx, bytes.NewReader(archive), client.ImageLoadWithQuiet(true))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	if err := drainMessages(answer); err != nil {
		t.Fatal(err)
	}
	await(t, "the removal of the image", func() bool { return !w.has(name) })
}

// TestLedgerIsWhole checks that a file which is damaged keeps nobody from starting, and that a draft is never read.
func TestLedgerIsWhole(t *testing.T) {
	t.Parallel()
	l := newLedger(t.TempDir())
	if err := l.write(&ledgerFile{Brought: map[string][]string{"id": {"name"}}}); err != nil {
		t.Fatal(err)
	}
	// Who reads takes no draft away: it may be about to get its place.
	err := atomicfile.Fill(l.path, 0o600, func(draft *os.File) error {
		if file, err := l.read(); err != nil || len(file.Brought) != 1 {
			t.Errorf("%+v, %v", file, err)
		}
		_, err := draft.WriteString(`{"brought":{}}`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	draft := filepath.Join(filepath.Dir(l.path), ".images.json.draft-1")
	if err := os.WriteFile(draft, []byte(`{"brou`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := New(hclog.NewNullLogger())
	d.images.ledger = l
	d.images.learn()
	if len(d.images.mu.brought) != 0 {
		t.Error("images were learnt from an empty file")
	}
	if _, err := os.Stat(draft); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft of an earlier process stays: %v", err)
	}
}
