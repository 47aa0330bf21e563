// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/events"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// eventReader reads the event stream over HTTP.
type eventReader struct {
	t    *testing.T
	res  *http.Response
	rd   *bufio.Reader
	last string
}

func (c *cluster) events(query string) *eventReader {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.ctx, "GET", c.web.URL+"/v1/event/stream?"+query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := httpClient.Do(r)
	if err != nil || res.StatusCode != 200 {
		c.t.Fatalf("%s: %v %v", query, res, err)
	}
	c.t.Cleanup(func() { res.Body.Close() })
	e := &eventReader{t: c.t, res: res, rd: bufio.NewReader(res.Body)}
	if line := e.line(); line != "{}\n" {
		c.t.Errorf("%s: the first line is %q", query, line)
	}
	return e
}

func (e *eventReader) line() string {
	e.t.Helper()
	line, err := e.rd.ReadString('\n')
	if err != nil {
		e.t.Fatalf("the stream ended: %v", err)
	}
	return line
}

// next returns the next batch, with each event as topic, type and key.
func (e *eventReader) next() (uint64, string) {
	e.t.Helper()
	e.last = e.line()
	var b struct {
		Index  uint64
		Events []*api.Event
	}
	unmarshal(e.t, e.last, &b)
	var out []string
	for _, v := range b.Events {
		out = append(out, v.Topic+" "+v.Type+" "+v.Key)
	}
	return b.Index, strings.Join(out, "; ")
}

func TestEventStream(t *testing.T) {
	c := start(t)
	c.namespaces("other")
	all := c.events("topic=Job:a&topic=Evaluation:a")
	if h := all.res.Header; h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-cache" || !all.res.Close || all.res.ContentLength != -1 || len(all.res.TransferEncoding) > 0 || h.Get("Content-Encoding") != "" {
		t.Errorf("headers %v %v", h, all.res.TransferEncoding)
	}
	a := c.register(job("a", 1))
	c.register(job("b", 1))
	index, got := all.next()
	if index != a.JobModifyIndex || got != "Job JobRegistered a; Evaluation JobRegistered "+a.EvalID {
		t.Errorf("%d %s", index, got)
	}
	// The recording has a line an event; shapes are compared event by event.
	recorded := map[string]json.RawMessage{}
	for line := range bytes.Lines(httpdtest.Recorded(t, "event-stream.ndjson")) {
		for topic, event := range byTopic(t, line) {
			if recorded[topic] == nil {
				recorded[topic] = event
			}
		}
	}
	for topic, event := range byTopic(t, []byte(all.last)) {
		httpdtest.Shape(t, topic, recorded[topic], event, shapeRules.With(httpdtest.Rules{
			Optional: []string{"Payload.Evaluation.*"}, Null: []string{"Payload.Job.TaskGroups.[].*"}, Skip: []string{"Payload.Job.TaskGroups", "Payload.Job.Update"},
		}))
	}
	// Resumption: from an index on, and from the newest when there is none yet.
	resumed := c.events(fmt.Sprintf("topic=Job&index=%d", index+1))
	if _, got := resumed.next(); !strings.HasPrefix(got, "Job ") || strings.Contains(got, "JobRegistered a") {
		t.Errorf("resumed with %s", got)
	}
	// Other topics, keys in FilterKeys, namespaces.
	j := job("a", 1)
	j["Namespace"] = "other"
	c.register(j)
	if _, got := c.events("topic=Job&namespace=other").next(); !strings.HasPrefix(got, "Job JobRegistered a") {
		t.Errorf("of the other namespace: %s", got)
	}
	pools := c.events("topic=NodePool&topic=Service:http&namespace=*")
	c.do("PUT", "/v1/node/pool/gpu", `{}`)
	c.apply(fsm.ServicesUpsert.Encode(&fsm.ServicesUpsertRequest{Services: []*api.ServiceRegistration{
		{ID: "s1", ServiceName: "http", Namespace: "default", JobID: "a"}, {ID: "s2", ServiceName: "dns", Namespace: "default", JobID: "a"},
	}}))
	c.do("DELETE", "/v1/service/http/s1", "")
	c.do("DELETE", "/v1/node/pool/gpu", "")
	for _, want := range []string{"NodePool NodePoolUpserted gpu", "Service ServiceRegistration s1", "Service ServiceDeregistration s1", "NodePool NodePoolDeleted gpu"} {
		if _, got := pools.next(); got != want {
			t.Errorf("event %q, want %q", got, want)
		}
	}
}

// byTopic returns one event a topic of a line.
func byTopic(t *testing.T, line []byte) map[string]json.RawMessage {
	var b struct{ Events []json.RawMessage }
	unmarshal(t, string(line), &b)
	out := map[string]json.RawMessage{}
	for _, raw := range b.Events {
		var e api.Event
		unmarshal(t, string(raw), &e)
		out[e.Topic] = raw
	}
	return out
}

// TestSlowEventReader: who falls behind is told by the end of the stream, not by a gap.
func TestSlowEventReader(t *testing.T) {
	broker := events.New(4)
	env := &ops.Env{Region: "global", Store: state.New(), Events: broker}
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: env.Handlers()})
	s, err := api.EventStream.Open(t.Context(), d, &api.EventStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var b api.EventBatch
	if err := s.Recv(&b); err != nil || b.Lines != nil {
		t.Fatalf("first message %+v %v", b, err)
	}
	// More than the broker keeps for readers who are behind, and than is on the way to one who takes nothing.
	row := &api.Evaluation{ID: "e", StatusDescription: strings.Repeat("x", 100)}
	for i := range uint64(100) {
		changes := make([]state.Change, 1000)
		for n := range changes {
			changes[n] = state.Change{Table: "evals", Msg: "EvalsUpsert", Index: i + 1, New: row}
		}
		broker.Publish(changes)
	}
	for err == nil {
		err = s.Recv(&b)
	}
	if !api.IsClass(err, api.ClassTooMany) || !strings.Contains(err.Error(), "fell behind") {
		t.Errorf("the stream ended with %v", err)
	}
}

// BenchmarkEventStream publishes events that ten readers take over HTTP on loopback; the figure is 50,000 a second
// to each of them.
func BenchmarkEventStream(b *testing.B) {
	const readers, perCommit = 10, 500
	broker := events.New(100)
	env := &ops.Env{Region: "global", Store: state.New(), Events: broker}
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: env.Handlers()})
	web := httptest.NewServer(httpd.New(httpd.Config{Caller: d}))
	defer web.Close()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var lines [readers]atomic.Uint64
	progress := make(chan struct{}, 1)
	for i := range readers {
		r, err := http.NewRequestWithContext(ctx, "GET", web.URL+"/v1/event/stream", nil)
		if err != nil {
			b.Fatal(err)
		}
		res, err := httpClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		go func() {
			buf := make([]byte, 256<<10)
			for {
				n, err := res.Body.Read(buf)
				if got := bytes.Count(buf[:n], []byte("\n")); got > 0 {
					lines[i].Add(uint64(got))
					select {
					case progress <- struct{}{}:
					default:
					}
				}
				if err != nil {
					return // the benchmark is over, or hangs
				}
			}
		}()
	}
	slowest := func() uint64 {
		least := lines[0].Load()
		for i := range lines {
			least = min(least, lines[i].Load())
		}
		return least
	}
	changes := func(index uint64) []state.Change {
		out := make([]state.Change, perCommit)
		for i := range out {
			out[i] = state.Change{Table: "allocs", Msg: "AllocsClientUpdate", Index: index, New: benchAlloc(index, i)}
		}
		return out
	}
	var commits uint64
	for b.Loop() {
		commits++
		broker.Publish(changes(commits))
		for slowest() < 1 || commits > slowest()-1+50 { // the first line is empty
			<-progress
		}
	}
	for slowest() < commits+1 {
		<-progress
	}
	b.ReportMetric(float64(commits*perCommit)/b.Elapsed().Seconds(), "events/s")
}

// benchAlloc is an allocation as a client reports it.
func benchAlloc(index uint64, i int) *api.Allocation {
	now := "2026-11-23T03:11:55.893809458Z"
	return &api.Allocation{
		ID: "b4176635-bd7f-3b9c-47d2-f2d8a714cc74", Namespace: "default", EvalID: "2554d238-3405-6b46-b9e5-85e7829e985d",
		Name: api.AllocName("rec-web", "web", i), NodeID: "8dc93a18-8ca9-3fd5-1f8a-05641a351069", NodeName: "node-1", JobID: "rec-web", TaskGroup: "web",
		DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientRunning, ModifyIndex: index, AllocModifyIndex: index,
		TaskStates: map[string]*api.TaskState{"server": {State: "running", Events: []*api.TaskEvent{
			{Type: "Received", DisplayMessage: "Task received by client", Details: map[string]string{"at": now}},
			{Type: "Started", DisplayMessage: "Task started by client", Details: map[string]string{"at": now}},
		}}},
	}
}
