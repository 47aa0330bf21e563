// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// permanent ends a wait at once.
type permanent struct{ error }

// until polls check until it holds; the last error explains a time-out.
func (d *demo) until(ctx context.Context, limit time.Duration, what string, check func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := check()
		var p permanent
		switch {
		case errors.As(err, &p):
			return p.error
		case ok:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for: %s: %w (last error: %w)", what, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// healthy waits until count instances run, answer, and say that they are of the version.
func (d *demo) healthy(ctx context.Context, version string, count int) ([]string, error) {
	var urls []string
	err := d.until(ctx, 2*time.Minute, "version "+version+" of the web service is healthy", func() (bool, error) {
		urls = urls[:0]
		stubs, _, err := api.JobAllocations.Call(ctx, d.api, &api.JobAllocationsRequest{JobID: "web"})
		if err != nil {
			return false, err
		}
		for _, s := range stubs {
			if s.ClientStatus != api.AllocClientRunning || s.DesiredStatus != api.AllocDesiredRun {
				continue
			}
			u, err := d.address(ctx, s.ID)
			if err != nil {
				return false, err
			}
			if body, err := get(ctx, u+"/health"); err != nil || body != "ok "+version {
				return false, fmt.Errorf("%s answers %q: %w", u, body, err)
			}
			urls = append(urls, u)
		}
		slices.Sort(urls)
		return len(urls) == count, fmt.Errorf("%d of %d instances are healthy", len(urls), count)
	})
	return urls, err
}

// address returns the URL of an allocation's port.
func (d *demo) address(ctx context.Context, allocID string) (string, error) {
	a, _, err := api.AllocGet.Call(ctx, d.api, &api.AllocRequest{AllocID: allocID})
	if err != nil {
		return "", err
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		if p.Label == "http" {
			return "http://" + net.JoinHostPort(p.HostIP, strconv.Itoa(p.Value)), nil
		}
	}
	return "", fmt.Errorf("allocation %s has no port named http", allocID)
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return strings.TrimSpace(string(b)), err
}

// report runs the batch job to its end and shows its log.
func (d *demo) report(ctx context.Context, urls []string) error {
	list := `["` + strings.Join(urls, `","`) + `"]`
	if err := d.cli(ctx, "job", "run", "-detach", "-var", "binary="+d.web, "-var", "urls="+list, "demo/report.nomad.hcl"); err != nil {
		return err
	}
	var alloc *api.AllocListStub
	err := d.until(ctx, time.Minute, "the batch job is complete", func() (bool, error) {
		stubs, _, err := api.JobAllocations.Call(ctx, d.api, &api.JobAllocationsRequest{JobID: "report"})
		if err != nil || len(stubs) == 0 {
			return false, err
		}
		alloc = stubs[0]
		if alloc.ClientStatus == api.AllocClientFailed {
			return false, permanent{errors.New("the batch job failed")}
		}
		return alloc.ClientStatus == api.AllocClientComplete, nil
	})
	if err != nil {
		return err
	}
	return d.cli(ctx, "alloc", "logs", alloc.ID)
}

// cleanUp stops the jobs and waits until nothing of them runs.
func (d *demo) cleanUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d.say("stopping the jobs")
	for _, id := range []string{"web", "report"} {
		if _, _, err := api.JobDeregister.Call(ctx, d.api, &api.JobDeregisterRequest{JobID: id}); err != nil {
			return fmt.Errorf("stop job %s: %w", id, err)
		}
	}
	return d.until(ctx, 30*time.Second, "nothing of the jobs runs", func() (bool, error) {
		stubs, _, err := api.JobAllocations.Call(ctx, d.api, &api.JobAllocationsRequest{JobID: "web"})
		if err != nil {
			return false, err
		}
		for _, s := range stubs {
			if s.ClientStatus == api.AllocClientRunning || s.ClientStatus == api.AllocClientPending {
				return false, fmt.Errorf("allocation %s is %s", s.ID, s.ClientStatus)
			}
		}
		return true, nil
	})
}
