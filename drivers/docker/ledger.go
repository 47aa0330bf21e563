// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/internal/atomicfile"
)

// stateVariable is where the agent tells a directory that the driver may keep
// state in which outlives its process: the plugin protocol has no place for it.
const stateVariable = "NOMADLIKE_STATE_DIR"

const (
	// recovery is how long a host takes at most to hand the tasks of an earlier
	// process over.
	recovery = time.Minute
	// overrun is how long an engine may take to finish what nobody waits for any
	// more.
	overrun = 2 * time.Minute
	// longest is how long an image without a limit may be on its way.
	longest = 24 * time.Hour
	// doubtPeriod is how often images are looked for that may yet arrive.
	doubtPeriod = 30 * time.Second
)

// ledger is what a later process has to know of the images that this one has
// brought or begun to bring. Its file is written before the engine is asked for
// one, so that a process may end at any moment.
type ledger struct {
	// path is that of the file, empty under a host that tells no directory.
	path string
	// lost counts the failures to write in a row, so that they are told once.
	lost int
}

// ledgerFile is what the file has.
type ledgerFile struct {
	// Brought has the names that the driver gave to images, by their IDs.
	Brought map[string][]string `json:"brought"`
	// Bringing are those that may arrive, by name.
	Bringing map[string]*bringing `json:"bringing"`
}

// bringing is an image that the engine was asked for.
type bringing struct {
	// Since and Until are between when it gets its name, if it is the driver that has brought it.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Before are the IDs and names that the engine had then, sorted.
	Before []string `json:"before"`

	// waiting are the starts of this process that wait for it.
	waiting int
}

func newLedger(dir string) ledger {
	if dir == "" {
		return ledger{}
	}
	return ledger{path: filepath.Join(dir, "images.json")}
}

// read returns what an earlier process has left.
func (l *ledger) read() (*ledgerFile, error) {
	file := &ledgerFile{}
	if l.path == "" {
		return file, nil
	}
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err == nil {
		err = json.Unmarshal(text, file)
	}
	return file, err
}

// write replaces the file in one step.
func (l *ledger) write(file *ledgerFile) error {
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(l.path, text, 0o600)
}

// saveLocked writes down what a later process has to know. What cannot be written is not worth the start of a task: the
// image stays then when the process ends.
func (i *images) saveLocked() {
	if i.ledger.path == "" {
		return
	}
	file := &ledgerFile{Brought: map[string][]string{}, Bringing: i.mu.bringing}
	for id, names := range i.mu.brought {
		file.Brought[id] = slices.Sorted(maps.Keys(names))
	}
	if err := i.ledger.write(file); err != nil {
		if i.ledger.lost++; i.ledger.lost == 1 {
			i.driver.logger.Warn("it cannot be written down which images were brought", "error", err)
		}
		return
	}
	i.ledger.lost = 0
}

// learn reads what an earlier process has left. Its images stay until the host had time to say which of them are in use.
func (i *images) learn() {
	file, err := i.ledger.read()
	if i.ledger.path != "" {
		if err := atomicfile.Sweep(i.ledger.path); err != nil {
			i.driver.logger.Warn("drafts of an earlier process stay", "error", err)
		}
	}
	if err != nil {
		i.driver.logger.Warn("it is not known which images were brought before", "error", err)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, names := range file.Brought {
		for _, name := range names {
			i.noteLocked(id, name)
		}
	}
	for name, b := range file.Bringing {
		if b != nil {
			i.mu.bringing[name] = b
		}
	}
	if len(file.Brought) == 0 && len(i.mu.bringing) == 0 {
		return
	}
	i.mu.recovering, i.mu.doubting = true, true
	time.AfterFunc(i.recovery, i.recovered)
	go i.doubt()
}

// recovered has images removed that an earlier process has brought and that are not in use.
func (i *images) recovered() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.mu.recovering = false
	for id := range i.mu.brought {
		i.expireLocked(id)
	}
}

// doubt looks for images that nobody waits for and that may have arrived, until there are none of which it is not known.
func (i *images) doubt() {
	for {
		i.mu.Lock()
		var doubtful []string
		for name, b := range i.mu.bringing {
			if b.waiting == 0 {
				doubtful = append(doubtful, name)
			}
		}
		i.mu.doubting = len(doubtful) > 0
		i.mu.Unlock()
		if len(doubtful) == 0 {
			return
		}
		for _, name := range doubtful {
			i.settle(name)
		}
		time.Sleep(i.doubtPeriod)
	}
}

// begin notes that the engine is about to be asked for an image, for end. What the engine had before decides whether the
// driver has brought it: if it does not tell, nothing is noted.
func (i *images) begin(name string, before map[string]bool, limit time.Duration) *bringing {
	if before == nil {
		return nil
	}
	if limit <= 0 {
		limit = longest
	}
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	b := i.mu.bringing[name]
	if b == nil {
		b = &bringing{Since: now, Before: slices.Sorted(maps.Keys(before))}
		i.mu.bringing[name] = b
	}
	b.waiting++
	b.Until = now.Add(limit + overrun)
	i.saveLocked()
	return b
}

// end notes that a start waits no more, with the image if it has come. Without, it may come yet: an engine goes on with
// what it was asked for.
func (i *images) end(name string, b *bringing, found *image, before map[string]bool) {
	if b == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if found != nil {
		i.bringLocked(found, name, before)
	}
	b.waiting--
	switch {
	case b.waiting > 0:
	case found != nil:
		delete(i.mu.bringing, name)
		i.saveLocked()
	case !i.mu.doubting:
		i.mu.doubting = true
		go i.doubt()
	}
}

// settle finds out what became of an image that was asked for and that nobody waits for.
func (i *images) settle(name string) {
	i.mu.Lock()
	b := i.mu.bringing[name]
	idle := b != nil && b.waiting == 0
	i.mu.Unlock()
	if !idle {
		return
	}
	_, engine := i.driver.settings()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	found, err := engine.ImageInspect(ctx, name)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.mu.bringing[name] != b || b.waiting > 0 {
		return
	}
	if err != nil && (!notFound(err) || time.Now().Before(b.Until)) {
		return // it is looked for again
	}
	named := found.Metadata.LastTagTime
	if named.IsZero() {
		named = time.Now() // some engines tell it only of those that were named by hand
	}
	// One that got its name at another time was brought by somebody else.
	if err == nil && !named.Before(b.Since) && named.Before(b.Until) {
		before := map[string]bool{}
		for _, one := range b.Before {
			before[one] = true
		}
		i.bringLocked(&image{id: found.ID, brought: i.broughtLocked(found.ID)}, name, before)
		i.expireLocked(found.ID)
	}
	delete(i.mu.bringing, name)
	i.saveLocked()
}
