// SPDX-License-Identifier: MPL-2.0

package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/version"
)

// debugNotes remember what could not be had; a bundle without it is better than none.
type debugNotes struct {
	mu    sync.Mutex
	texts []string
	// got counts what could be had.
	got int
	// refused says that an agent gave none of what only those with enable_debug give.
	refused bool
}

// add notes how it went and says whether it went well. What ends because time is up is not noted.
func (n *debugNotes) add(ctx context.Context, what string, err error) (well bool) {
	if ctx.Err() != nil {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.got++
		return true
	}
	n.texts = append(n.texts, what+": "+err.Error())
	return false
}

// refuse notes that an agent gives none of some parts.
func (n *debugNotes) refuse(ctx context.Context, what string, err error) {
	n.add(ctx, what, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused = true
}

// denied reports whether the agent refused to answer.
func denied(err error) bool {
	status, ok := errors.AsType[*client.StatusError](err)
	return ok && status.Code == http.StatusForbidden
}

// ended notes how a stream ended: by itself, because time was up, or with an error.
func (n *debugNotes) ended(ctx context.Context, what string, err error) {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	n.add(ctx, what, err)
}

// collect fills the directory. It fails when nothing can be had or written.
func (b *debugBundle) collect(ctx context.Context, m *meta, c *client.Client) error {
	began := m.now().UTC()
	if err := b.clusterOnce(ctx, c); err != nil {
		return err
	}
	// What runs all the time ends with the duration; an interruption ends it early and is no error.
	during, stop := context.WithTimeout(ctx, b.duration)
	defer stop()
	g, during := errgroup.WithContext(during)
	for _, t := range append(append([]debugTarget{}, b.servers...), b.nodes...) {
		g.Go(func() error { return b.log(during, c, t) })
		g.Go(func() error { return b.profiles(ctx, during, c, t) })
		if b.export || b.lookback > 0 {
			g.Go(func() error { return b.pastLog(during, c, t) })
		}
	}
	if b.topics != "none" && b.topics != "" {
		g.Go(func() error { return b.events(during, c) })
	}
	g.Go(func() error { return b.intervals(during, m, c) })
	if err := g.Wait(); err != nil {
		return err
	}
	if b.notes.got == 0 {
		return fmt.Errorf("nothing could be collected: %s", strings.Join(b.notes.texts, "; "))
	}
	for _, t := range b.notes.texts {
		if b.verbose {
			fmt.Fprintln(m.err, m.paint(yellow, t))
		}
	}
	if n := len(b.notes.texts); n > 0 {
		fmt.Fprintln(m.out, m.paint(yellow, fmt.Sprintf("%s could not be collected, index.json says which and why", count(n, "part"))))
	}
	if b.notes.refused {
		fmt.Fprintln(m.out, m.paint(yellow, "Agents give profiles and what they know of their host only with enable_debug = true in their configuration"))
	}
	return b.index(m, began)
}

// index writes what the bundle is.
func (b *debugBundle) index(m *meta, began time.Time) error {
	data, err := json.MarshalIndent(map[string]any{
		"Program": name, "Version": version.String(), "Began": began, "Ended": m.now().UTC(),
		"Duration": b.duration.String(), "Interval": b.interval.String(), "Missing": b.notes.texts,
	}, "", "  ")
	if err != nil {
		return err
	}
	return b.write("index.json", data)
}

// write writes a file of the bundle.
func (b *debugBundle) write(path string, data []byte) error {
	f, err := b.create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func (b *debugBundle) create(path string) (*os.File, error) {
	full := filepath.Join(b.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// debugRead is a read of the API whose answer is kept as it is.
type debugRead struct {
	file string
	op   *api.OpInfo
	q    url.Values
}

func allNamespaces() url.Values { return url.Values{"namespace": {api.AllNamespaces}} }

// clusterReads say what the cluster is; they are asked once.
func (b *debugBundle) clusterReads() []debugRead {
	reads := []debugRead{
		{"cluster/agent-self.json", api.AgentSelfGet.Info(), nil},
		{"cluster/members.json", api.AgentMembers.Info(), nil},
		{"cluster/leader.json", api.StatusLeader.Info(), nil},
		{"cluster/peers.json", api.StatusPeers.Info(), nil},
		{"cluster/regions.json", api.RegionList.Info(), nil},
		{"cluster/namespaces.json", api.NamespaceList.Info(), nil},
		{"cluster/node-pools.json", api.NodePoolList.Info(), nil},
		{"cluster/scheduler-configuration.json", api.SchedulerConfigGet.Info(), nil},
		{"cluster/autopilot-configuration.json", api.AutopilotGet.Info(), nil},
	}
	for _, t := range b.servers {
		reads = append(reads, debugRead{t.dir + "/agent-host.json", api.AgentHost.Info(), url.Values{"server_id": {t.id}}})
	}
	for _, t := range b.nodes {
		reads = append(reads, debugRead{t.dir + "/agent-host.json", api.AgentHost.Info(), url.Values{"node_id": {t.id}}})
	}
	return reads
}

// intervalReads are asked again and again.
func (b *debugBundle) intervalReads(dir string) []debugRead {
	reads := []debugRead{
		{dir + "/jobs.json", api.JobList.Info(), allNamespaces()},
		{dir + "/allocations.json", api.AllocList.Info(), allNamespaces()},
		{dir + "/evaluations.json", api.EvalList.Info(), allNamespaces()},
		{dir + "/deployments.json", api.DeploymentList.Info(), allNamespaces()},
		{dir + "/services.json", api.ServiceList.Info(), allNamespaces()},
		{dir + "/scaling-policies.json", api.ScalingPolicyList.Info(), allNamespaces()},
		{dir + "/nodes.json", api.NodeList.Info(), url.Values{"resources": {"true"}}},
		{dir + "/volumes-host.json", api.VolumeList.Info(), url.Values{"type": {"host"}, "namespace": {api.AllNamespaces}}},
		{dir + "/volumes-csi.json", api.VolumeList.Info(), url.Values{"type": {"csi"}, "namespace": {api.AllNamespaces}}},
		{dir + "/plugins.json", api.PluginList.Info(), url.Values{"type": {"csi"}}},
		{dir + "/operator-raft.json", api.RaftConfigurationGet.Info(), nil},
		{dir + "/operator-autopilot-health.json", api.AutopilotHealth.Info(), nil},
		{dir + "/metrics.json", api.MetricsGet.Info(), nil},
	}
	for _, t := range b.nodes {
		reads = append(reads, debugRead{dir + "/client-stats-" + filepath.Base(t.dir) + ".json", api.ClientStats.Info(), url.Values{"node_id": {t.id}}})
	}
	return reads
}

func (b *debugBundle) clusterOnce(ctx context.Context, c *client.Client) error {
	return b.readAll(ctx, c, b.clusterReads())
}

func (b *debugBundle) readAll(ctx context.Context, c *client.Client, reads []debugRead) error {
	for _, r := range reads {
		data, err := b.read(ctx, c, r)
		if !b.notes.add(ctx, r.file, err) || len(data) == 0 {
			continue
		}
		if err := b.write(r.file, data); err != nil {
			return err
		}
	}
	return nil
}

// read returns the answer's body; with an error status it is the reason.
func (b *debugBundle) read(ctx context.Context, c *client.Client, r debugRead) ([]byte, error) {
	q := url.Values{}
	maps.Copy(q, r.q)
	if b.stale {
		q.Set("stale", "")
	}
	if b.region != "" {
		q.Set("region", b.region)
	}
	res, err := c.Raw(ctx, http.MethodGet, r.op.Routes[0].Pattern+"?"+q.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	// Health that is bad comes with a status of its own, and is worth keeping.
	if res.StatusCode >= http.StatusMultipleChoices && res.StatusCode != http.StatusTooManyRequests {
		return nil, &client.StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(data))}
	}
	return data, nil
}

// intervals looks at the state every interval.
func (b *debugBundle) intervals(ctx context.Context, m *meta, c *client.Client) error {
	tick := time.NewTicker(b.interval)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil && (n == 0 || time.Duration(n)*b.interval < b.duration); n++ {
		dir := fmt.Sprintf("interval/%04d", n)
		fmt.Fprintf(m.out, "    Capture interval %04d\n", n)
		if err := b.readAll(ctx, c, b.intervalReads(dir)); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// log follows the log of an agent.
func (b *debugBundle) log(ctx context.Context, c *client.Client, t debugTarget) error {
	req := &api.AgentMonitorRequest{LogLevel: strings.ToUpper(b.logLevel), IncludeLocation: b.location, Plain: true}
	req.NodeID, req.ServerID = t.target()
	s, err := api.AgentMonitor.Open(ctx, c, req)
	return b.stream(ctx, t.dir+"/monitor.log", s, err)
}

// pastLog takes what an agent has logged before.
func (b *debugBundle) pastLog(ctx context.Context, c *client.Client, t debugTarget) error {
	req := &api.AgentMonitorExportRequest{OnDisk: b.export, Plain: true}
	if !b.export {
		req.ServiceName, req.LogsSince = "nomad", b.lookback.String()
	}
	req.NodeID, req.ServerID = t.target()
	s, err := api.AgentMonitorExport.Open(ctx, c, req)
	return b.stream(ctx, t.dir+"/monitor_export.log", s, err)
}

// target says how requests name the agent.
func (t debugTarget) target() (node, server string) {
	if strings.HasPrefix(t.dir, "client") {
		return t.id, ""
	}
	return "", t.id
}

// stream writes a stream of frames to a file until it ends or time is up.
func (b *debugBundle) stream(ctx context.Context, path string, s api.Stream, err error) error {
	if !b.notes.add(ctx, path, err) {
		return nil
	}
	f, err := b.create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		var frame api.StreamFrame
		if err := s.Recv(&frame); err != nil {
			b.notes.ended(ctx, path, err)
			return nil
		}
		if _, err := f.Write(frame.Data); err != nil {
			return err
		}
	}
}

// profiles takes a set of profiles of an agent every interval during the collection, as long as the agent gives any. A set that
// was begun is finished. An agent that refuses the first one is not asked for the others, and they are one missing part.
func (b *debugBundle) profiles(ctx, during context.Context, c *client.Client, t debugTarget) error {
	tick := time.NewTicker(b.pprofInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		got := false
		for _, p := range []struct {
			profile, file string
			debug         int
		}{
			{"goroutine", "goroutine_%04d.prof", 0},
			{"goroutine", "goroutine-debug1_%04d.txt", 1},
			{"goroutine", "goroutine-debug2_%04d.txt", 2},
			{"heap", "heap_%04d.prof", 0},
			{"allocs", "allocs_%04d.prof", 0},
			{"threadcreate", "threadcreate_%04d.prof", 0},
			{"profile", "profile_%04d.prof", 0},
			{"trace", "trace_%04d.prof", 0},
		} {
			req := &api.AgentProfileRequest{Profile: p.profile, Debug: p.debug}
			if p.profile == "profile" || p.profile == "trace" {
				req.Seconds = int(b.pprofDuration / time.Second)
			}
			req.NodeID, req.ServerID = t.target()
			data, err := b.profile(ctx, c, req)
			path := t.dir + "/" + fmt.Sprintf(p.file, n)
			if denied(err) && !got {
				b.notes.refuse(ctx, t.dir+"/*.prof", err)
				return nil
			}
			if !b.notes.add(ctx, path, err) {
				continue
			}
			if err := b.write(path, data); err != nil {
				return err
			}
			got = true
		}
		if !got {
			return nil
		}
		select {
		case <-tick.C:
		case <-during.Done():
			return nil
		}
		if during.Err() != nil {
			return nil
		}
	}
}

// profile takes one profile.
func (b *debugBundle) profile(ctx context.Context, c *client.Client, req *api.AgentProfileRequest) ([]byte, error) {
	var data bytes.Buffer
	s, err := api.AgentProfile.Open(ctx, c, req)
	if err == nil {
		err = copyChunks(&data, s)
	}
	return data.Bytes(), err
}

// events follows the events of the topics.
func (b *debugBundle) events(ctx context.Context, c *client.Client) error {
	const path = "eventstream/eventstream.json"
	req := &api.EventStreamRequest{Index: strconv.Itoa(b.eventIndex)}
	if b.topics != "all" {
		req.Topic = strings.Split(b.topics, ",")
	}
	req.Namespace = api.AllNamespaces
	s, err := api.EventStream.Open(ctx, c, req)
	if !b.notes.add(ctx, path, err) {
		return nil
	}
	f, err := b.create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		var batch json.RawMessage
		if err := s.Recv(&batch); err != nil {
			b.notes.ended(ctx, path, err)
			return nil
		}
		if len(batch) > 2 { // {} is a heartbeat
			if _, err := f.Write(append(batch, '\n')); err != nil {
				return err
			}
		}
	}
}

// archiveDir writes the directory base of parent as a gzipped tar file.
func archiveDir(parent, base, file string) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	zipped := gzip.NewWriter(f)
	w := tar.NewWriter(zipped)
	err = filepath.WalkDir(filepath.Join(parent, base), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return addFile(w, parent, path, d)
	})
	return errors.Join(err, w.Close(), zipped.Close(), f.Close())
}

func addFile(w *tar.Writer, parent, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	head, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(parent, path)
	if err != nil {
		return err
	}
	head.Name, head.Uname, head.Gname, head.Uid, head.Gid = filepath.ToSlash(rel), "", "", 0, 0
	if err := w.WriteHeader(head); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
