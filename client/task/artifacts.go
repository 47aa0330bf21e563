// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/artifact"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Artifacts downloads the artifacts of tasks; client/artifact.Fetcher does.
type Artifacts interface {
	Fetch(ctx context.Context, to artifact.Target, req *artifact.Request) error
}

// parallelDownloads is how many artifacts of a task are downloaded at a time.
const parallelDownloads = 3

// reportedError is the failure of a hook that has its own event.
type reportedError struct{ err error }

func (e *reportedError) Error() string { return e.err.Error() }
func (e *reportedError) Unwrap() error { return e.err }

// fetchArtifacts downloads what was not downloaded before, also by an earlier agent.
func (r *Runner) fetchArtifacts(ctx context.Context) error {
	todo := map[string]*api.Artifact{}
	for _, a := range r.task.Artifacts {
		if key := artifactKey(a); r.memory[key] != hookDone {
			todo[key] = a
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if r.deps.Artifacts == nil {
		return errors.New("this client downloads no artifacts")
	}
	r.emit(NewEvent(api.TaskEventDownloading, "Client is downloading artifacts"))
	var done struct {
		sync.Mutex
		keys []string
	}
	err := r.beside(ctx, atOnce, r.download(todo, func(key string) {
		done.Lock()
		defer done.Unlock()
		done.keys = append(done.keys, key)
	}))
	for _, key := range done.keys {
		r.memory[key] = hookDone
	}
	if len(done.keys) > 0 {
		r.keepMemory()
	}
	if err == nil || r.kill != nil || ctx.Err() != nil {
		return err
	}
	r.emit(downloadFailedEvent(err))
	var failed *artifact.Error
	again := !errors.As(err, &failed) || !failed.Final
	return &reportedError{drivers.NewRecoverableError(err, again)}
}

// download returns the work of downloading, which does not touch what belongs to the goroutine of the runner.
func (r *Runner) download(todo map[string]*api.Artifact, done func(key string)) func(context.Context) error {
	requests := map[string]*artifact.Request{}
	targets := map[string]artifact.Target{}
	for key, a := range todo {
		options, headers := map[string]string{}, map[string]string{}
		for k, v := range a.GetterOptions {
			options[r.env.Replace(k)] = r.env.Replace(v)
		}
		for k, v := range a.GetterHeaders {
			headers[r.env.Replace(k)] = r.env.Replace(v)
		}
		requests[key] = &artifact.Request{
			Source: r.env.Replace(a.GetterSource), Options: options, Headers: headers, Mode: a.GetterMode, Insecure: a.GetterInsecure,
		}
		targets[key] = artifact.Target{Dir: r.dir, Task: r.name, Seen: r.seen, Destination: r.env.Replace(a.RelativeDest)}
	}
	user, fetch := r.env.Replace(r.task.User), r.deps.Artifacts
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(parallelDownloads)
		for _, key := range slices.Sorted(maps.Keys(requests)) {
			g.Go(func() error {
				to := targets[key]
				if todo[key].Chown {
					var err error
					if to.Owner, err = artifact.LookupOwner(user); err != nil {
						return fmt.Errorf("chown of an artifact: %w", err)
					}
				}
				if err := fetch.Fetch(ctx, to, requests[key]); err != nil {
					return err
				}
				done(key)
				return nil
			})
		}
		return g.Wait()
	}
}

// artifactKey is what is kept of an artifact that was downloaded.
func artifactKey(a *api.Artifact) string {
	text, err := json.Marshal([]any{a.GetterSource, a.GetterOptions, a.GetterHeaders, a.GetterMode, a.RelativeDest})
	if err != nil {
		text = []byte(a.GetterSource) // strings always can be encoded
	}
	sum := sha256.Sum256(text)
	return "artifact:" + hex.EncodeToString(sum[:12])
}

func downloadFailedEvent(err error) *api.TaskEvent {
	e := NewEvent(api.TaskEventDownloadFailed, err.Error())
	e.DownloadError, e.Details["download_error"] = err.Error(), err.Error()
	return e
}
