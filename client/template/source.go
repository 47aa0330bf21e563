// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	dep "github.com/hashicorp/consul-template/dependency"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// source is one piece of data that templates use. Its fetch waits until there is something newer than it
// returned before.
type source struct {
	// key names it in texts, as consul-template does.
	key   string
	fetch func(ctx context.Context) (any, error)
	// stop ends its goroutine.
	stop context.CancelFunc

	known bool
	value any
}

// news is what the goroutine of a source has to say.
type news struct {
	key   string
	value any
	err   error
	// final says that the source has given up.
	final bool
}

// follow fetches a source again and again. Failures are repeated; before there was any value only so often.
func (m *Manager) follow(ctx context.Context, key string, fetch func(context.Context) (any, error)) {
	known, failures := false, 0
	for ctx.Err() == nil {
		value, err := fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		n := news{key: key, value: value, err: err}
		if err == nil {
			known, failures = true, 0
		} else {
			failures++
			limit := *m.cfg.Client.NomadRetry.Attempts
			n.final = !known && (isFinal(err) || limit > 0 && failures > limit)
		}
		select {
		case m.inbox <- n:
		case <-ctx.Done():
			return
		}
		if n.final {
			return
		}
		if err != nil && run.Sleep(ctx, m.backoff(failures)) != nil {
			return
		}
	}
}

func (m *Manager) backoff(failures int) time.Duration {
	retry := &m.cfg.Client.NomadRetry
	d := *retry.Backoff << min(failures-1, 16)
	if most := *retry.MaxBackoff; most > 0 {
		d = min(d, most)
	}
	return max(d, 10*time.Millisecond)
}

// isFinal reports whether another query would fail as well.
func isFinal(err error) bool {
	return errors.Is(err, errFile) || api.IsClass(err, api.ClassDenied) || api.IsClass(err, api.ClassInvalid) || api.IsClass(err, api.ClassUnsupported)
}

// servicePattern is what names services in templates: "<tag>.<name>@<region>".
var servicePattern = regexp.MustCompile(`\A(?:([[:word:]=:.\-_]+)\.)?([[:word:]\-_]+)(?:@([[:word:].\-_]+))?\z`)

// service is the source of the instances of a service; choose is "<count>|<key>" or empty.
func (m *Manager) service(name, choose string) (key string, fetch func(context.Context) (any, error), err error) {
	parts := servicePattern.FindStringSubmatch(name)
	if parts == nil {
		return "", nil, fmt.Errorf("nomad.service: invalid format: %q", name)
	}
	key = "nomad.service(" + name + ")"
	if choose != "" {
		key = "nomad.service(" + choose + "|" + name + ")"
	}
	index := uint64(0)
	return key, func(ctx context.Context) (any, error) {
		req := &api.ServiceRequest{ServiceName: parts[2], Choose: choose, ReadOptions: m.query(parts[3], index)}
		var rows []*api.ServiceRegistration
		if err := m.ask(ctx, api.ServiceGet.Info(), req, &rows, &index); err != nil {
			return nil, err
		}
		out := make([]*dep.NomadService, 0, len(rows))
		for _, s := range rows {
			if parts[1] != "" && !slices.Contains(s.Tags, parts[1]) {
				continue
			}
			tags := slices.Sorted(slices.Values(s.Tags))
			out = append(out, &dep.NomadService{
				ID: s.ID, Name: s.ServiceName, Node: s.NodeID, Address: s.Address, Port: s.Port, Datacenter: s.Datacenter, Tags: tags,
				JobID: s.JobID, AllocID: s.AllocID,
			})
		}
		slices.SortFunc(out, func(a, b *dep.NomadService) int {
			if c := strings.Compare(a.Node, b.Node); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
		return out, nil
	}, nil
}

// services is the source of the names of services.
func (m *Manager) services(region string) (key string, fetch func(context.Context) (any, error), err error) {
	region = strings.TrimPrefix(region, "@")
	key = "nomad.services"
	if region != "" {
		key += "(@" + region + ")"
	}
	index := uint64(0)
	return key, func(ctx context.Context) (any, error) {
		req := &api.ServiceListRequest{ReadOptions: m.query(region, index)}
		var rows []*api.ServiceListStub
		if err := m.ask(ctx, api.ServiceList.Info(), req, &rows, &index); err != nil {
			return nil, err
		}
		var out []*dep.NomadServicesSnippet
		for _, r := range rows {
			for _, s := range r.Services {
				out = append(out, &dep.NomadServicesSnippet{Name: s.ServiceName, Tags: slices.Sorted(slices.Values(s.Tags))})
			}
		}
		slices.SortFunc(out, func(a, b *dep.NomadServicesSnippet) int { return strings.Compare(a.Name, b.Name) })
		return out, nil
	}, nil
}

// query are the options of a query that waits for something newer than the index. The first one asks the leader:
// a server that has just been started would know of no service, and running tasks would be restarted for it.
func (m *Manager) query(region string, index uint64) api.ReadOptions {
	o := api.ReadOptions{MinIndex: index, MaxWait: *m.cfg.Client.BlockQueryWait, AllowStale: index > 0 && *m.cfg.Client.MaxStale > 0}
	o.Namespace, o.Region, o.AuthToken = m.cfg.Namespace, m.cfg.Region, m.cfg.Token
	if region != "" {
		o.Region = region
	}
	return o
}

// ask asks the servers until they have something newer than the index.
func (m *Manager) ask(ctx context.Context, op *api.OpInfo, req api.ReadRequest, resp any, index *uint64) error {
	if m.cfg.Servers == nil {
		return errors.New("this client has no servers")
	}
	for {
		meta, err := m.cfg.Servers.Call(ctx, op, req, resp)
		if err != nil {
			return err
		}
		last, now := *index, uint64(1)
		if meta != nil {
			now = max(meta.Index, 1)
		}
		read := req.Read()
		switch {
		case now == last:
			read.MinIndex = last // nothing new came within the time of the query
		case now < last && read.AllowStale:
			// A server that lags behind, or a restored cluster: the leader knows.
			read.AllowStale, read.MinIndex = false, 0
		default:
			*index = now
			return nil
		}
	}
}

// errFile is what is wrong with files that cannot be read.
var errFile = errors.New("file cannot be read")

// fileInterval is how often files are looked at, as consul-template does.
const fileInterval = 2 * time.Second

// maxFile bounds files that templates read: they are kept in memory.
const maxFile = 16 << 20

// file is the source of the contents of a file.
func (m *Manager) file(name string) (key string, fetch func(context.Context) (any, error), err error) {
	place, err := m.place(name)
	if err != nil {
		return "", nil, fmt.Errorf("file(%s): %w", name, err)
	}
	var last fs.FileInfo
	return "file(" + name + ")", func(ctx context.Context) (any, error) {
		for {
			info, err := place.Stat()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errFile, m.sandboxed(name, err))
			}
			if last == nil || info.Size() != last.Size() || !info.ModTime().Equal(last.ModTime()) {
				data, info, err := place.ReadFile(maxFile)
				if err != nil {
					return nil, fmt.Errorf("%w: %w", errFile, err)
				}
				last = info
				return string(data), nil
			}
			if run.Sleep(ctx, fileInterval) != nil {
				return nil, ctx.Err()
			}
		}
	}, nil
}
