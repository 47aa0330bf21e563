// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// LeaderName is the name of the figure of Leader.
const LeaderName = "leader lost -> writes accepted again, 3 servers"

const (
	// leaders is how many leaders are lost, one after the other.
	leaders = 5
	// writers is how many callers write through each server that lives on.
	writers = 2
	// writesAfter is how many writes each of them has accepted before a leader is lost, and again after it.
	writesAfter = 50
)

// electorate is three servers, on one of which the others depend.
type electorate struct {
	bin     string
	servers []*agent
}

// Leader measures how long three servers take no writes when their leader is killed: the time from the kill to the
// first answer to a write that was sent after it through a server that lives on, median of several. Callers write all
// the time; each write that was accepted is there at the end, and none is there twice.
func Leader(ctx context.Context, bin string) (f Figure, err error) {
	f = Figure{Name: LeaderName, Unit: "s", Target: 2}
	e, err := startElectorate(ctx, bin)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	if _, _, err := api.JobRegister.Call(ctx, e.servers[0].http, &api.JobRegisterRequest{Job: counted()}); err != nil {
		return f, e.servers[0].failed(err)
	}
	accepted := &ledger{}
	var outages []float64
	for range leaders {
		outage, err := e.loseLeader(ctx, accepted)
		if err != nil {
			return f, err
		}
		outages = append(outages, outage.Seconds())
	}
	slices.Sort(outages)
	f.Value = outages[len(outages)/2]
	f.Detail = map[string]float64{"best": outages[0], "worst": outages[len(outages)-1], "accepted writes": float64(accepted.len())}
	return f, e.verify(ctx, accepted)
}

// counted is a job each of whose children is one write that can be told from the others.
func counted() *api.Job {
	j := sleeper("write", 1, "raw_exec", map[string]any{"command": "true"})
	j.Type = api.JobTypeBatch
	j.ParameterizedJob = &api.ParameterizedJob{MetaRequired: []string{"n"}}
	return j
}

// electorateConfig takes the addresses of all servers and the number of this one.
const electorateConfig = `
server {
  enabled          = true
  bootstrap_expect = 3
  server_join {
    retry_join     = [%s]
    retry_interval = "1s"
  }
}
name = "s%d"
`

func startElectorate(ctx context.Context, bin string) (*electorate, error) {
	const servers = 3
	free, err := freePorts(3 * servers)
	if err != nil {
		return nil, err
	}
	var peers []string
	for i := range servers {
		peers = append(peers, fmt.Sprintf("%q", fmt.Sprintf("127.0.0.1:%d", free[3*i+2])))
	}
	e := &electorate{bin: bin}
	for i := range servers {
		a, err := spawn(bin, free[3*i:3*i+3], local+fmt.Sprintf(electorateConfig, strings.Join(peers, ", "), i+1))
		if err != nil {
			return nil, errors.Join(err, e.stop())
		}
		e.servers = append(e.servers, a)
	}
	for _, a := range e.servers {
		if err := a.await(ctx, a.leads); err != nil {
			return nil, errors.Join(a.failed(err), e.stop())
		}
	}
	// A server that is back would otherwise be removed as dead once gossip notices at last that it had gone, and vote
	// again only after a while.
	if _, _, err := api.AutopilotSet.Call(ctx, e.servers[0].http, &api.AutopilotSetRequest{Config: &api.AutopilotConfiguration{
		LastContactThreshold: "200ms", MaxTrailingLogs: 250, ServerStabilizationTime: "1s",
	}}); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, e.servers[0].await(ctx, e.redundant)
}

func (e *electorate) stop() error {
	var errs []error
	for _, a := range e.servers {
		errs = append(errs, a.stop())
	}
	return errors.Join(errs...)
}

// redundant reports whether one server can be missed, as all of them see it.
func (e *electorate) redundant(ctx context.Context) bool {
	for _, a := range e.servers {
		health, _, err := api.AutopilotHealth.Call(ctx, a.http, &api.OperatorReadRequest{})
		if err != nil || health.FailureTolerance != 1 || len(health.Servers) != len(e.servers) {
			return false
		}
	}
	return true
}

// leader returns the server that leads.
func (e *electorate) leader(ctx context.Context) (*agent, error) {
	addr, _, err := api.StatusLeader.Call(ctx, e.servers[0].http, &api.AgentRequest{})
	if err != nil {
		return nil, err
	}
	for _, a := range e.servers {
		if a.rpc == addr {
			return a, nil
		}
	}
	return nil, fmt.Errorf("no server has the leader's address %s", addr)
}

// loseLeader kills the leader while callers write through the others, and starts it again. It returns how long no
// write was accepted.
func (e *electorate) loseLeader(ctx context.Context, accepted *ledger) (time.Duration, error) {
	leader, err := e.leader(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w := &writing{accepted: accepted, first: make(chan time.Time, 1)}
	var group sync.WaitGroup
	for _, a := range e.servers {
		if a == leader {
			continue
		}
		for range writers {
			w.before.Add(1)
			group.Go(func() { w.run(ctx, a) })
		}
	}
	w.before.Wait()
	killed := time.Now()
	w.killed.Store(&killed)
	if err := leader.kill(); err != nil {
		return 0, err
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		if refusal := w.refusal.Load(); refusal != nil {
			err = *refusal
		}
		return 0, fmt.Errorf("the servers take no writes: %w", err)
	}
	if err := leader.relaunch(e.bin); err != nil {
		return 0, err
	}
	return (<-w.first).Sub(killed), leader.await(ctx, e.redundant)
}

// writing is what callers do while a leader is lost.
type writing struct {
	accepted *ledger
	// before is done when each has written enough for the leader to be lost.
	before sync.WaitGroup
	// killed is when the leader was; nil before.
	killed atomic.Pointer[time.Time]
	// refusal is the last one.
	refusal atomic.Pointer[error]
	// first takes when the first write was answered that was sent after that.
	first chan time.Time
}

// run writes through one server until enough was accepted after the leader was lost.
func (w *writing) run(ctx context.Context, a *agent) {
	before := sync.OnceFunc(w.before.Done)
	defer before()
	for n, after := 0, 0; after < writesAfter && ctx.Err() == nil; n++ {
		if n == writesAfter {
			before()
		}
		killed := w.killed.Load()
		id := w.accepted.next()
		_, _, err := api.JobDispatch.Call(ctx, a.http, &api.JobDispatchRequest{PathID: "write", Meta: map[string]string{"n": strconv.FormatInt(id, 10)}})
		if err != nil {
			w.refusal.Store(&err)
			settle(ctx, 2*time.Millisecond)
			continue // it may have been written or not; it is not sent again
		}
		w.accepted.add(id)
		if killed != nil {
			after++
			select {
			case w.first <- time.Now():
			default:
			}
		}
	}
}

// ledger counts writes and holds those that were accepted.
type ledger struct {
	count atomic.Int64
	mu    struct {
		sync.Mutex
		ids []int64
	}
}

func (l *ledger) next() int64 { return l.count.Add(1) }

func (l *ledger) add(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.ids = append(l.mu.ids, id)
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.ids)
}

// verify looks for the writes on each server by itself, once nobody writes any more.
func (e *electorate) verify(ctx context.Context, accepted *ledger) error {
	for i, a := range e.servers {
		var wrong error
		right := func(ctx context.Context) bool {
			err := accepted.compare(ctx, a)
			if ctx.Err() == nil {
				wrong = err
			}
			return err == nil
		}
		if err := a.await(ctx, right); err != nil { // it may be behind for a moment
			return fmt.Errorf("server %d: %w", i+1, errors.Join(wrong, err))
		}
	}
	return nil
}

// compare returns which accepted write a server lacks, or which one it has more than once.
func (l *ledger) compare(ctx context.Context, a *agent) error {
	req := &api.JobListRequest{Meta: true}
	req.AllowStale, req.Prefix = true, "write/dispatch-"
	jobs, _, err := api.JobList.Call(ctx, a.http, req)
	if err != nil {
		return err
	}
	times := map[string]int{}
	for _, j := range jobs {
		times[j.Meta["n"]]++
	}
	for n, count := range times {
		if count > 1 {
			return fmt.Errorf("write %s is there %d times", n, count)
		}
	}
	for _, id := range l.mu.ids {
		if times[strconv.FormatInt(id, 10)] == 0 {
			return fmt.Errorf("write %d was accepted and is not there", id)
		}
	}
	return nil
}
