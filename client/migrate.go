// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// headerWait is how long another node may take to begin with its answer.
const headerWait = 30 * time.Second

// allocSnapshot streams what moves with an allocation to who has its migrate token.
func (c *Client) allocSnapshot(ctx context.Context, r *api.AllocSnapshotRequest, s api.Stream) error {
	if !api.CheckMigrateToken(r.AuthToken, r.AllocID, c.identity.secret, time.Now()) {
		return api.Errorf(api.ClassDenied, "Permission denied")
	}
	a, d, err := c.dir(r.AllocID)
	if err != nil {
		return err
	}
	var tasks []string
	if group := a.Alloc().Group(); group != nil {
		for _, t := range group.Tasks {
			tasks = append(tasks, t.Name)
		}
	}
	w := &chunkWriter{ctx: ctx, stream: s, first: api.Chunk{ContentType: "application/x-tar"}}
	if err := d.Snapshot(w, tasks); err != nil {
		if w.err != nil {
			return w.err // nobody reads any more
		}
		// The archive says so to its reader.
		c.logger.Warn("data of the allocation cannot be read in full", "alloc_id", r.AllocID, "error", err)
	}
	return w.flush()
}

// chunkSize is how much is sent at a time, in bytes.
const chunkSize = 128 << 10

// chunkWriter sends what is written in chunks.
type chunkWriter struct {
	ctx    context.Context
	stream api.Stream
	first  api.Chunk
	buf    []byte
	err    error
}

// Write implements io.Writer.
func (w *chunkWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	if len(w.buf) < chunkSize {
		return len(p), nil
	}
	return len(p), w.flush()
}

func (w *chunkWriter) flush() error {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	c := w.first
	c.Data, w.buf, w.first = w.buf, nil, api.Chunk{}
	w.err = w.stream.Send(&c)
	return w.err
}

// errNoData says that there is nothing to take over any more.
var errNoData = errors.New("the previous allocation or its node is gone")

// fetchPrevious waits for the end of the allocation that another node ran and this one replaces, and hands the
// archive of its data to take.
func (c *Client) fetchPrevious(ctx context.Context, a *api.Allocation, take func(io.Reader) error) error {
	where, err := c.awaitMigration(ctx, a)
	if err != nil {
		return err
	}
	if where.Lost {
		return errNoData
	}
	u := url.URL{Scheme: "http", Host: where.Address, Path: "/v1/client/allocation/" + where.AllocID + "/snapshot"}
	if where.TLSEnabled {
		u.Scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s for the data: %w", where.Address, err)
	}
	req.Header.Set("X-Nomad-Token", where.Token)
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: headerWait, TLSClientConfig: c.deps.TLS}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask %s for the data: %w", where.Address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("ask %s for the data: status %d: %s", where.Address, resp.StatusCode, text)
	}
	return take(resp.Body)
}

// awaitMigration asks the servers until the previous allocation has ended or is gone.
func (c *Client) awaitMigration(ctx context.Context, a *api.Allocation) (*api.Migration, error) {
	req := &api.MigrationRequest{NodeID: c.identity.id, SecretID: c.identity.secret, AllocID: a.ID}
	req.Region = c.cfg.Region
	for try := 0; ; {
		callCtx, cancel := context.WithTimeout(ctx, callTimeout+watchWait+watchWait/8)
		out, meta, err := api.AllocMigration.Call(callCtx, c.deps.Servers, req)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case api.IsClass(err, api.ClassNotFound), api.IsClass(err, api.ClassInvalid), api.IsClass(err, api.ClassUnsupported):
			return nil, err
		case err != nil:
			c.logger.Debug("servers cannot be asked for the previous allocation, trying again", "alloc_id", a.ID, "error", err)
			if run.Sleep(ctx, run.Backoff(try)) != nil {
				return nil, ctx.Err()
			}
			try++
			continue
		case out.Lost || out.Ended:
			return out, nil
		}
		try = 0
		req.MaxWait = watchWait
		if meta != nil {
			req.MinIndex = max(meta.Index, 1)
		}
	}
}
