// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/fs"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Handlers serves the operations that run on the client of an allocation or node.
func (c *Client) Handlers() *opset.Set {
	s := opset.New()
	opset.Handle(s, api.FSList, c.fsList)
	opset.Handle(s, api.FSStat, c.fsStat)
	opset.HandleStream(s, api.FSCat, c.fsCat)
	opset.HandleStream(s, api.FSReadAt, c.fsReadAt)
	opset.HandleStream(s, api.FSStream, c.fsStream)
	opset.HandleStream(s, api.FSLogs, c.fsLogs)
	opset.HandleStream(s, api.AllocExec, c.allocExec)
	opset.HandleStream(s, api.JobActionRun, c.jobAction)
	opset.HandleStream(s, api.AllocSnapshot, c.allocSnapshot)
	opset.Handle(s, api.AllocStats, c.allocStats)
	opset.Handle(s, api.AllocRestart, c.allocRestart)
	opset.Handle(s, api.AllocSignal, c.allocSignal)
	opset.Handle(s, api.ClientAllocGC, c.allocGC)
	opset.Handle(s, api.ClientGC, c.clientGC)
	opset.Handle(s, api.ClientStats, c.clientStats)
	opset.Handle(s, api.ClientMetadataGet, c.metadata)
	opset.Handle(s, api.ClientMetadataApply, c.applyMetadata)
	opset.Handle(s, api.AllocChecks, c.allocChecks)
	opset.Handle(s, api.AllocPauseGet, func(_ context.Context, r *api.AllocPauseStateRequest) (api.Empty, error) { return c.noPause(r.AllocID) })
	opset.Handle(s, api.AllocPause, func(_ context.Context, r *api.AllocPauseRequest) (api.Empty, error) { return c.noPause(r.AllocID) })
	return s
}

// find returns the runner of an allocation.
func (c *Client) find(id string) (*alloc.Runner, error) {
	if r := c.runner(id); r != nil {
		return r, nil
	}
	return nil, api.Errorf(api.ClassNotFound, "Unknown allocation %q", id)
}

// dir returns the directory of an allocation.
func (c *Client) dir(id string) (*alloc.Runner, *allocdir.Dir, error) {
	r, err := c.find(id)
	if err != nil {
		return nil, nil, err
	}
	d := r.Dir()
	if d == nil {
		return nil, nil, api.Errorf(api.ClassNotFound, "directory of allocation %q does not exist", id)
	}
	return r, d, nil
}

func (c *Client) fsList(_ context.Context, r *api.FSRequest) ([]*api.AllocFileInfo, error) {
	_, d, err := c.dir(r.AllocID)
	if err != nil {
		return nil, err
	}
	return fs.List(d, r.Path)
}

func (c *Client) fsStat(_ context.Context, r *api.FSRequest) (*api.AllocFileInfo, error) {
	_, d, err := c.dir(r.AllocID)
	if err != nil {
		return nil, err
	}
	return fs.Stat(d, r.Path)
}

// reading runs fn until it ends, its caller has gone, or the allocation is removed.
func (c *Client) reading(ctx context.Context, id string, fn func(context.Context, *alloc.Runner, *allocdir.Dir) error) error {
	r, d, err := c.dir(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-r.Done():
			cancel()
		case <-stop:
		}
	}()
	err = fn(ctx, r, d)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func sender(s api.Stream) fs.Send {
	return func(f *api.StreamFrame) error {
		// The frame may wait in the stream while the buffer is filled anew.
		c := *f
		c.Data = append([]byte(nil), f.Data...)
		return s.Send(&c)
	}
}

func (c *Client) fsCat(ctx context.Context, r *api.FSRequest, s api.Stream) error {
	return c.reading(ctx, r.AllocID, func(ctx context.Context, _ *alloc.Runner, d *allocdir.Dir) error {
		return fs.Cat(ctx, d, r.Path, sender(s))
	})
}

func (c *Client) fsReadAt(ctx context.Context, r *api.FSReadRequest, s api.Stream) error {
	return c.reading(ctx, r.AllocID, func(ctx context.Context, _ *alloc.Runner, d *allocdir.Dir) error {
		return fs.ReadAt(ctx, d, r.Path, r.Offset, r.Limit, sender(s))
	})
}

func (c *Client) fsStream(ctx context.Context, r *api.FSStreamRequest, s api.Stream) error {
	follow, err := fs.ParseFollow(r.Follow)
	if err != nil {
		return err
	}
	return c.reading(ctx, r.AllocID, func(ctx context.Context, _ *alloc.Runner, d *allocdir.Dir) error {
		return c.watcher.Stream(ctx, d, r.Path, fs.StreamOptions{Offset: r.Offset, Origin: r.Origin, Follow: follow}, sender(s))
	})
}

func (c *Client) fsLogs(ctx context.Context, r *api.LogsRequest, s api.Stream) error {
	switch {
	case r.Task == "":
		return api.Errorf(api.ClassInvalid, "must provide task name")
	case r.LogType != "stdout" && r.LogType != "stderr":
		return api.Errorf(api.ClassInvalid, "must provide log type (stdout/stderr)")
	}
	return c.reading(ctx, r.AllocID, func(ctx context.Context, a *alloc.Runner, d *allocdir.Dir) error {
		state := a.Report().TaskStates[r.Task]
		if state == nil {
			return api.Errorf(api.ClassInvalid, "unknown task name %q", r.Task)
		}
		if state.StartedAt == nil {
			return api.Errorf(api.ClassNotFound, "task %q not started yet. No logs available", r.Task)
		}
		return c.watcher.Logs(ctx, d, r.Task, r.LogType, fs.StreamOptions{Offset: r.Offset, Origin: r.Origin, Follow: r.Follow}, sender(s))
	})
}

func (c *Client) allocRestart(ctx context.Context, r *api.AllocRestartRequest) (*api.WriteMeta, error) {
	a, err := c.find(r.AllocID)
	if err != nil {
		return nil, err
	}
	if err := a.Restart(ctx, r.TaskName, r.AllTasks); err != nil {
		return nil, err
	}
	return &api.WriteMeta{}, nil
}

func (c *Client) allocSignal(ctx context.Context, r *api.AllocSignalRequest) (*api.WriteMeta, error) {
	a, err := c.find(r.AllocID)
	if err != nil {
		return nil, err
	}
	if err := a.Signal(ctx, r.Task, r.Signal); err != nil {
		return nil, err
	}
	return &api.WriteMeta{}, nil
}

func (c *Client) allocGC(ctx context.Context, r *api.ClientAllocGCRequest) (api.Empty, error) {
	refuse := api.CodeErrorf(api.ClassInvalid, 500, "No such allocation on client, or allocation not eligible for GC")
	a := c.runner(r.AllocID)
	if a == nil {
		return api.Empty{}, refuse
	}
	select {
	case <-a.Finished():
	default:
		return api.Empty{}, refuse
	}
	if !c.reports.taken(a) {
		return api.Empty{}, refuse
	}
	c.gc.destroy(ctx, a)
	return api.Empty{}, ctx.Err()
}

func (c *Client) clientGC(ctx context.Context, _ *api.ClientRequest) (api.Empty, error) {
	c.gc.all(ctx)
	return api.Empty{}, ctx.Err()
}

func (c *Client) clientStats(ctx context.Context, _ *api.ClientRequest) (*api.HostStats, error) {
	out, err := c.stats.Collect(ctx)
	if err == nil && out != nil {
		if devices := c.deviceStats(ctx, anyDevice); len(devices) > 0 {
			dup := *out
			dup.DeviceStats, out = devices, &dup
		}
	}
	return out, err
}

// allocChecks returns the latest results of an allocation's checks.
func (c *Client) allocChecks(_ context.Context, r *api.AllocChecksRequest) (map[string]*api.CheckResult, error) {
	a, err := c.find(r.AllocID)
	if err != nil {
		return nil, err
	}
	return a.CheckResults(), nil
}

// noPause refuses to pause tasks, as the contract's community edition does.
func (c *Client) noPause(allocID string) (api.Empty, error) {
	if _, err := c.find(allocID); err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, api.CodeErrorf(api.ClassUnsupported, 500, "Enterprise only")
}

// allocStats sums up the use of an allocation, or tells that of one task. An unknown task uses nothing.
func (c *Client) allocStats(ctx context.Context, r *api.AllocStatsRequest) (*api.AllocResourceUsage, error) {
	a, err := c.find(r.AllocID)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range a.Report().TaskStates {
		if r.Task == "" || r.Task == name {
			names = append(names, name)
		}
	}
	samples := make([]*drivers.TaskStats, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		if t := a.Task(name); t != nil {
			wg.Go(func() { samples[i] = t.Usage(ctx) })
		}
	}
	wg.Wait()
	out := sumUsage(names, samples)
	c.addDeviceStats(ctx, a, out)
	return out, nil
}
