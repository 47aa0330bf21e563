// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// How often the progress of a slow pull is told.
const (
	progressPeriod = 2 * time.Minute
	progressLog    = 10 * time.Second
)

// pull is one pull of an image that any number of tasks wait for.
type pull struct {
	key    string
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error

	mu      sync.Mutex
	tell    map[string]func(string, map[string]string)
	waiting int
}

// errIdle ends a pull that does not get on.
var errIdle = errors.New("the pull made no progress")

// pullFor pulls an image, or waits for a pull of it that is under way, and
// counts the user.
func (i *images) pullFor(ctx context.Context, user string, named reference.Named, want *wanted) (found *image, err error) {
	auth, err := want.auth(ctx, named)
	if err != nil {
		return nil, err
	}
	before := i.all(ctx)
	name := reference.FamiliarString(named)
	b := i.begin(name, before, want.timeout)
	defer func() { i.end(name, b, found, before) }()
	want.tell("Downloading image", map[string]string{"image": named.String()})
	p := i.join(named.String(), auth, user, want)
	defer i.leave(p, user)
	switch err := p.wait(ctx, want); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		failed := fmt.Errorf("Failed to pull `%s`: %w", named, err)
		return nil, drivers.NewRecoverableError(failed, !notFound(err) && !says(err, "not found", "does not exist"))
	}
	return i.use(ctx, user, want.name)
}

// wait waits for the end of a pull, as long as the one who waits has time for it: others may have more.
func (p *pull) wait(ctx context.Context, want *wanted) error {
	if want.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, want.timeout, fmt.Errorf("the pull took longer than %v (%s)", want.timeout, want.setting))
		defer cancel()
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// join starts a pull or joins the one under way.
func (i *images) join(name, auth, user string, want *wanted) *pull {
	key := name + "\x00" + auth
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.mu.pulls[key]
	if p == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		p = &pull{key: key, cancel: cancel, done: make(chan struct{}), tell: map[string]func(string, map[string]string){}}
		i.mu.pulls[key] = p
		go func() {
			p.err = i.run(ctx, p, name, auth)
			cancel(nil)
			i.mu.Lock()
			if i.mu.pulls[key] == p {
				delete(i.mu.pulls, key)
			}
			i.mu.Unlock()
			close(p.done)
		}()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	p.tell[user] = want.tell
	return p
}

// leave ends the wait for a pull, and the pull if nobody waits any more.
func (i *images) leave(p *pull, user string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tell, user)
	if p.waiting--; p.waiting == 0 {
		if i.mu.pulls[p.key] == p {
			delete(i.mu.pulls, p.key) // whoever comes now starts another
		}
		p.cancel(context.Canceled)
	}
}

func (p *pull) tellAll(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tell := range p.tell {
		tell(message, nil)
	}
}

// run pulls an image and watches the progress.
func (i *images) run(ctx context.Context, p *pull, name, auth string) error {
	config, engine := i.driver.settings()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	progress := &progress{began: time.Now(), layers: map[string]*layer{}}
	idle := time.AfterFunc(config.activityTimeout, func() {
		stop(fmt.Errorf("%w for %v (pull_activity_timeout)", errIdle, config.activityTimeout))
	})
	defer idle.Stop()
	over := make(chan struct{})
	defer close(over)
	go i.report(p, name, progress, over)

	answer, err := engine.ImagePull(ctx, name, client.ImagePullOptions{RegistryAuth: auth})
	if err == nil {
		defer answer.Close()
		err = eachMessage(answer, func(m *jsonstream.Message) {
			idle.Reset(config.activityTimeout)
			progress.add(m)
		})
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// report tells how far a pull is from time to time.
func (i *images) report(p *pull, name string, progress *progress, over <-chan struct{}) {
	told := time.NewTicker(progressPeriod)
	defer told.Stop()
	logged := time.NewTicker(progressLog)
	defer logged.Stop()
	for {
		select {
		case <-told.C:
			p.tellAll("Docker image pull progress: " + progress.String())
		case <-logged.C:
			i.driver.logger.Debug("image is being pulled", "image", name, "progress", progress.String())
		case <-over:
			return
		}
	}
}

// progress is how far a pull is.
type progress struct {
	mu     sync.Mutex
	began  time.Time
	layers map[string]*layer
}

type layer struct {
	current, total int64
	done           bool
}

// add takes a message of the engine.
func (p *progress) add(m *jsonstream.Message) {
	if m.ID == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.layers[m.ID]
	if one == nil {
		one = &layer{}
		p.layers[m.ID] = one
	}
	switch m.Status {
	case "Downloading":
		if m.Progress != nil {
			one.current, one.total = m.Progress.Current, m.Progress.Total
		}
	case "Pull complete", "Already exists":
		one.done = true
	}
}

// String says how far it is, for people.
func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var done, layers int
	var current, total int64
	for _, one := range p.layers {
		layers++
		if one.done {
			done++
		}
		current += one.current
		total += one.total
	}
	return fmt.Sprintf("Pulled %d/%d (%.4gMB/%.4gMB) layers: elapsed %v", done, layers,
		float64(current)/1e6, float64(total)/1e6, time.Since(p.began).Round(time.Second))
}

// eachMessage reads the engine's messages until they end. One that is an error
// ends them.
func eachMessage(from io.Reader, take func(*jsonstream.Message)) error {
	decoder := json.NewDecoder(from)
	for {
		var m jsonstream.Message
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Error != nil:
			return m.Error
		}
		take(&m)
	}
}

func drainMessages(from io.Reader) error { return eachMessage(from, func(*jsonstream.Message) {}) }
