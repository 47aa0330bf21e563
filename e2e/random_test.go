// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// randomFor, when it is set, is how long TestRandomWork works ("5m") instead of some seconds, and servers and nodes are also
// stopped for a while then; randomSeed repeats its choices.
const (
	randomFor  = "NOMADLIKE_RANDOM_FOR"
	randomSeed = "NOMADLIKE_RANDOM_SEED"
)

// impatient has the servers miss a node after some seconds.
const impatient = `
server {
  heartbeat_grace        = "1s"
  min_heartbeat_ttl      = "2s"
  failover_heartbeat_ttl = "5s"
}
`

// crowd is three servers, simulated nodes and the users who give them work, while servers and nodes fail.
type crowd struct {
	*fleet
	until time.Time
	// long runs have all kinds of misfortune.
	long bool
	// steady nodes never fail, those of flaky are away now and then.
	steady, flaky *exec.Cmd
	// acted and doubted count what users did, and what they do not know the outcome of.
	acted, doubted atomic.Int64
}

// TestRandomWork has users register, change, scale, stop and dispatch jobs by any of three servers, while these are killed
// and stopped and nodes are drained, lost and come back. What was acknowledged is there in the end and nothing else: each job
// as it was said last, with just the allocations it asks for, on nodes that have room for them, and all servers tell the same.
func TestRandomWork(t *testing.T) {
	seed, span := uint64(1), 10*time.Second
	if text := os.Getenv(randomFor); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		seed = uint64(time.Now().UnixNano())
	}
	if text := os.Getenv(randomSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d repeats the choices", randomSeed, seed)

	c := &crowd{fleet: &fleet{t: t, servers: newServers(t, 3)}, long: os.Getenv(randomFor) != ""}
	for _, s := range c.servers {
		s.more(impatient)
		s.launch()
	}
	c.settle()
	c.steady, c.flaky = c.simulate("steady", 8), c.simulate("flaky", 4)
	c.eventually("all nodes are ready", c.allReady)

	c.until = time.Now().Add(span)
	var users sync.WaitGroup
	var all []*wish
	for i := range 4 {
		u := &user{crowd: c, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		for _, kind := range wishKinds {
			u.wishes = append(u.wishes, &wish{id: fmt.Sprintf("%s-%d", kind, i), kind: kind, user: i, may: []said{{}}})
		}
		all = append(all, u.wishes...)
		users.Go(u.work)
	}
	users.Go(c.readers)
	c.misfortune(rand.New(rand.NewPCG(seed, 100)))
	users.Wait()
	t.Logf("%d acts were acknowledged, of %d the outcome was not known", c.acted.Load(), c.doubted.Load())
	if c.acted.Load() == 0 {
		t.Error("nothing was done")
	}
	if t.Failed() {
		return
	}
	c.calm()
	for _, w := range all {
		c.eventually(w.id+" is as it was said", func() error { return c.check(w) })
	}
	c.eventually("no node has more than it can", c.checkNodes)
	c.eventually("what fails over and over is stopped", func() error { return c.stopFailing(all) })
	c.eventually("all servers tell the same", c.checkEqual)
}

// more adds configuration to an agent that does not run.
func (a *agent) more(conf string) {
	a.t.Helper()
	file := filepath.Join(a.dir, "more.hcl")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.args = append(a.args, "-config", file)
}

// simulate starts a process that plays nodes until the test ends.
func (c *crowd) simulate(name string, count int) *exec.Cmd {
	c.t.Helper()
	var addrs []string
	for _, s := range c.servers {
		self, err := s.client.Agent().Self()
		if err != nil {
			c.t.Fatal(err)
		}
		addrs = append(addrs, "127.0.0.1:"+self.Member.Tags["port"])
	}
	cmd := exec.Command(os.Getenv("NOMADLIKE_BIN"), "sim", "nodes", "-name", name, "-class", name, "-count", strconv.Itoa(count),
		"-cpu", "4000", "-memory", "4096", "-servers", strings.Join(addrs, ","))
	log := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if c.t.Failed() {
			text := log.String()
			c.t.Logf("end of the output of the %s nodes:\n%s", name, text[max(0, len(text)-2000):])
		}
	})
	return cmd
}

// server returns any server, perhaps the one that is dead.
func (c *crowd) server(random *rand.Rand) *agent { return c.servers[random.IntN(len(c.servers))] }

func (c *crowd) allReady() error {
	nodes, _, err := c.alive().client.Nodes().List(nil)
	if err != nil {
		return err
	}
	if len(nodes) != 12 {
		return fmt.Errorf("%d nodes are known", len(nodes))
	}
	for _, n := range nodes {
		if n.Status != "ready" || n.Drain || n.SchedulingEligibility != "eligible" {
			return fmt.Errorf("node %s is %s, %s, drain %v", n.Name, n.Status, n.SchedulingEligibility, n.Drain)
		}
	}
	return nil
}

// misfortune strikes servers and nodes until the time is over, and leaves all of them alive.
func (c *crowd) misfortune(random *rand.Rand) {
	for time.Now().Before(c.until) && !c.t.Failed() {
		pause := func(d time.Duration) { <-time.After(time.Duration(random.Int64N(int64(d)))) }
		switch n := random.IntN(6); {
		case n < 2:
			s := c.server(random)
			c.dead = s
			s.kill()
			pause(4 * time.Second)
			s.launch()
			c.dead = nil
			c.settle()
		case n == 2 && c.long: // it does not notice that another one leads
			s := c.server(random)
			_ = s.cmd.Process.Signal(syscall.SIGSTOP)
			pause(4 * time.Second)
			_ = s.cmd.Process.Signal(syscall.SIGCONT)
		case n == 3 && c.long:
			_ = c.flaky.Process.Signal(syscall.SIGSTOP)
			pause(10 * time.Second)
			_ = c.flaky.Process.Signal(syscall.SIGCONT)
		default:
			nodes, _, err := c.alive().client.Nodes().List(nil)
			if err != nil || len(nodes) == 0 {
				break // a leader is being chosen
			}
			id := nodes[random.IntN(len(nodes))].ID
			if random.IntN(2) == 0 {
				_, _ = c.alive().client.Nodes().UpdateDrain(id, &nomad.DrainSpec{Deadline: time.Duration(random.IntN(3)) * time.Second}, false, nil)
			} else {
				_, _ = c.alive().client.Nodes().ToggleEligibility(id, false, nil)
			}
			pause(2 * time.Second)
			_, _ = c.alive().client.Nodes().UpdateDrain(id, nil, true, nil) // calm does it again
		}
		pause(time.Second)
	}
}

// calm makes everything whole.
func (c *crowd) calm() {
	c.t.Helper()
	c.settle()
	c.eventually("all nodes may take work again", func() error {
		nodes, _, err := c.alive().client.Nodes().List(nil)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.Drain || n.SchedulingEligibility != "eligible" {
				if _, err := c.alive().client.Nodes().UpdateDrain(n.ID, nil, true, nil); err != nil {
					return err
				}
			}
		}
		return c.allReady()
	})
	c.eventually("nothing is left to evaluate", func() error {
		evals, _, err := c.alive().client.Evaluations().List(nil)
		if err != nil {
			return err
		}
		for _, e := range evals {
			if e.Status == "pending" && e.WaitUntil.Before(time.Now()) {
				return fmt.Errorf("evaluation %s of %s by %s is pending", e.ID, e.JobID, e.TriggeredBy)
			}
		}
		return nil
	})
}

// readers follow the list of jobs on each server: its index never goes back.
func (c *crowd) readers() {
	var readers sync.WaitGroup
	for _, s := range c.servers {
		readers.Go(func() {
			var last uint64
			for time.Now().Before(c.until) {
				_, meta, err := s.client.Jobs().List(&nomad.QueryOptions{WaitIndex: last, WaitTime: time.Second})
				switch {
				case err != nil:
					<-time.After(50 * time.Millisecond)
				case meta.LastIndex < last:
					c.t.Errorf("%s: the index of the jobs went from %d back to %d", s.addr, last, meta.LastIndex)
					return
				default:
					last = meta.LastIndex
				}
			}
		})
	}
	readers.Wait()
}

// wishKinds are the kinds of jobs that each user has one of.
var wishKinds = []string{"service", "rolling", "canary", "port", "patient", "failing", "batch", "system", "parameterized"}

// said is what a user wants of a job.
type said struct {
	exists, stopped bool
	count           int
	// word is in the job's meta, so that one version is not like another.
	word string
}

// wish is a job and what its user said of it. May has more than one element while it is not known whether a write counted.
type wish struct {
	id, kind string
	user     int
	may      []said
	// children are the acknowledged dispatches by the idempotency token, "" for one whose answer is not known.
	children map[string]string
	words    int
}

// user works on jobs that nobody else touches.
type user struct {
	*crowd
	random *rand.Rand
	wishes []*wish
}

func (u *user) work() {
	for time.Now().Before(u.until) && !u.t.Failed() {
		u.act(u.wishes[u.random.IntN(len(u.wishes))])
		<-time.After(time.Duration(u.random.IntN(200)) * time.Millisecond)
	}
}

// job makes the job that a user wants.
func (w *wish) job(s said) *nomad.Job {
	kind := map[string]string{"batch": "batch", "parameterized": "batch", "system": "system"}[w.kind]
	job := nomad.NewServiceJob(w.id, w.id, "global", 50)
	switch kind {
	case "batch":
		job = nomad.NewBatchJob(w.id, w.id, "global", 50)
	case "system":
		job = nomad.NewSystemJob(w.id, w.id, "global", 50)
	}
	task := nomad.NewTask("main", "mock_driver").Require(&nomad.Resources{CPU: new(50), MemoryMB: new(32)})
	task.Config = map[string]any{}
	g := nomad.NewTaskGroup("g", s.count).AddTask(task)
	g.EphemeralDisk = &nomad.EphemeralDisk{SizeMB: new(110)}
	job.AddDatacenter("*").AddTaskGroup(g).SetMeta("word", s.word)
	update := &nomad.UpdateStrategy{MaxParallel: new(2), MinHealthyTime: new(time.Duration(0)), HealthyDeadline: new(time.Minute), ProgressDeadline: new(2 * time.Minute)}
	switch w.kind {
	case "canary":
		update.Canary, update.AutoPromote = new(1), new(true)
		fallthrough
	case "rolling":
		g.Update = update
		g.Networks = []*nomad.NetworkResource{{DynamicPorts: []nomad.Port{{Label: "a"}, {Label: "b"}}}}
	case "port":
		g.Networks = []*nomad.NetworkResource{{ReservedPorts: []nomad.Port{{Label: "p", Value: 5000 + w.user%2}}}} // two jobs of up to five for twelve nodes
	case "patient":
		g.Disconnect = &nomad.DisconnectStrategy{LostAfter: new(time.Hour), Replace: new(w.user%2 == 0), Reconcile: new("best_score")}
	case "failing":
		task.Config["run_for"], task.Config["exit_code"] = "700ms", 1
		g.Update = &nomad.UpdateStrategy{MaxParallel: new(0)} // a deployment would wait until all are healthy at one time
		g.ReschedulePolicy = &nomad.ReschedulePolicy{Delay: new(5 * time.Second), DelayFunction: new("constant"), Unlimited: new(true)}
	case "system":
		g.Count = new(1)
	case "batch":
		task.Config["run_for"] = "2s"
	case "parameterized":
		task.Config["run_for"] = "500ms"
		job.ParameterizedJob = &nomad.ParameterizedJobConfig{MetaOptional: []string{"n"}}
	}
	return job
}

// act does one thing with the job. An answer that is no refusal leaves open whether it counted.
func (u *user) act(w *wish) {
	jobs := u.server(u.random).client.Jobs()
	last := w.may[len(w.may)-1]
	next := last
	var err error
	var index uint64
	switch n := u.random.IntN(10); {
	case w.kind == "parameterized" && len(w.may) == 1 && last.exists && !last.stopped && n < 8:
		u.dispatch(w, jobs)
		return
	case len(w.may) > 1 || !last.exists || n < 4:
		w.words++
		next = said{exists: true, count: 1 + u.random.IntN(5), word: strconv.Itoa(w.words)}
		var resp *nomad.JobRegisterResponse
		if resp, _, err = jobs.Register(w.job(next), nil); err == nil {
			index = resp.JobModifyIndex
		}
	case n < 6 && slices.Contains([]string{"service", "rolling", "port", "patient", "failing"}, w.kind) && !last.stopped:
		next.count = u.random.IntN(6)
		_, _, err = jobs.Scale(w.id, "g", new(next.count), "more or less", false, nil, nil)
		if err != nil && strings.Contains(err.Error(), "active deployment") {
			return
		}
	case n < 7:
		next.stopped = true
		_, _, err = jobs.Deregister(w.id, false, nil)
	case n < 8:
		next = said{}
		_, _, err = jobs.Deregister(w.id, true, nil)
	case n < 9 && w.kind != "parameterized":
		_, _, err = jobs.EvaluateWithOpts(w.id, nomad.EvalOptions{ForceReschedule: true}, nil)
	default:
		u.stopOne(w, jobs)
		return
	}
	if err == nil {
		u.acted.Add(1)
		w.may = []said{next}
		if index > 0 {
			u.readBack(w, index)
		}
		return
	}
	if isRefusal(err) && !isMissing(err) {
		u.t.Errorf("%s was refused: %v", w.id, err)
		return
	}
	u.doubted.Add(1)
	w.may = append(w.may, next)
}

// stopOne stops an allocation of the job, which is replaced.
func (u *user) stopOne(w *wish, jobs *nomad.Jobs) {
	allocs, _, err := jobs.Allocations(w.id, false, nil)
	if err != nil {
		return // a leader is being chosen
	}
	for _, a := range allocs {
		if a.DesiredStatus == "run" && a.ClientStatus == "running" && w.kind != "batch" {
			_, _ = u.server(u.random).client.Allocations().Stop(&nomad.Allocation{ID: a.ID}, nil) // it has another one in either case
			return
		}
	}
}

// readBack asks another server: what was acknowledged is there. One that led and was stopped does not know for a moment that
// another leads, and is asked again.
func (u *user) readBack(w *wish, index uint64) {
	s := u.server(u.random)
	var found uint64
	for range 10 {
		job, _, err := s.client.Jobs().Info(w.id, nil)
		if err == nil {
			found = *job.JobModifyIndex
		}
		if found >= index || err != nil && !isRefusal(err) {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	u.t.Errorf("%s was acknowledged at %d and is at %d after it, by %s", w.id, index, found, s.addr)
}

// isRefusal reports whether the error is an answer that says that the caller is at fault.
func isRefusal(err error) bool {
	var answer nomad.UnexpectedResponseError
	return errors.As(err, &answer) && answer.StatusCode() < http.StatusInternalServerError
}

// isMissing reports whether the error is the answer that there is no such thing, which a server that led and was stopped gives
// for a moment of what came after that.
func isMissing(err error) bool {
	var answer nomad.UnexpectedResponseError
	return errors.As(err, &answer) && answer.StatusCode() == http.StatusNotFound
}

// dispatch makes a child. One whose answer got lost is asked for again with the same token.
func (u *user) dispatch(w *wish, jobs *nomad.Jobs) {
	if w.children == nil {
		w.children = map[string]string{}
	}
	token := fmt.Sprintf("%s-%d", w.id, len(w.children))
	for t, id := range w.children {
		if id == "" {
			token = t
		}
	}
	resp, _, err := jobs.DispatchOpts(&nomad.DispatchOptions{JobID: w.id, Meta: map[string]string{"n": token}, IdPrefixTemplate: ""},
		&nomad.WriteOptions{IdempotencyToken: token})
	switch {
	case err == nil:
		u.acted.Add(1)
		w.children[token] = resp.DispatchedJobID
	case isRefusal(err) && !isMissing(err):
		u.t.Errorf("dispatch of %s was refused: %v", w.id, err)
	default:
		u.doubted.Add(1)
		w.children[token] = ""
	}
}

// check compares a job with what its user said.
func (c *crowd) check(w *wish) error {
	client := c.alive().client
	job, _, err := client.Jobs().Info(w.id, nil)
	is := said{exists: err == nil}
	if err != nil && !isMissing(err) {
		return err
	}
	if is.exists {
		is.stopped, is.count, is.word = *job.Stop, *job.TaskGroups[0].Count, job.Meta["word"]
	}
	if !slices.ContainsFunc(w.may, func(s said) bool { return w.same(s, is) }) {
		return fmt.Errorf("it is %+v, what was said is %+v", is, w.may)
	}
	if is.exists {
		if err := c.checkVersions(w); err != nil {
			return err
		}
	}
	if w.kind == "parameterized" {
		return c.checkChildren(w)
	}
	return c.checkAllocs(w, is, job)
}

// same reports whether a job is as it was said; the count of a system job is one.
func (w *wish) same(s, is said) bool {
	if w.kind == "system" && s.exists {
		s.count = 1
	}
	return s == is
}

// checkVersions finds the versions of a job without a gap.
func (c *crowd) checkVersions(w *wish) error {
	versions, _, _, err := c.alive().client.Jobs().Versions(w.id, false, nil)
	if err != nil {
		return err
	}
	for i := 1; i < len(versions); i++ {
		if *versions[i-1].Version != *versions[i].Version+1 {
			return fmt.Errorf("version %d follows %d", *versions[i-1].Version, *versions[i].Version)
		}
	}
	return nil
}

// checkChildren finds each acknowledged child once, and all of them ended well.
func (c *crowd) checkChildren(w *wish) error {
	client := c.alive().client
	jobs, _, err := client.Jobs().ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, &nomad.QueryOptions{Prefix: w.id + "/"})
	if err != nil {
		return err
	}
	made := map[string]int{}
	for _, j := range jobs {
		made[j.Meta["n"]]++
		if j.Status != "dead" {
			return fmt.Errorf("child %s is %s with %s", j.ID, j.Status, c.tell(j.ID))
		}
	}
	for token, id := range w.children {
		if made[token] > 1 {
			return fmt.Errorf("%d children have the token %s", made[token], token)
		}
		if id != "" && made[token] == 0 {
			return fmt.Errorf("child %s is not there", id)
		}
	}
	return nil
}

// tell is what the servers know of a job that is not as it was said.
func (c *crowd) tell(job string) string {
	var b strings.Builder
	evals, _, err := c.alive().client.Jobs().Evaluations(job, nil)
	for _, e := range evals {
		fmt.Fprintf(&b, "\n evaluation %s by %s is %s %s, created %d modified %d", e.ID, e.TriggeredBy, e.Status, e.StatusDescription, e.CreateIndex, e.ModifyIndex)
	}
	allocs, _, err2 := c.alive().client.Jobs().Allocations(job, true, nil)
	for _, a := range allocs {
		health := "not told"
		if s := a.DeploymentStatus; s != nil && s.Healthy != nil {
			health = fmt.Sprintf("%t at %d", *s.Healthy, s.ModifyIndex)
		}
		fmt.Fprintf(&b, "\n allocation %s %s of version %d on %s is to %s and %s %q, created %d modified %d at %s, health %s", a.ID, a.Name, a.JobVersion, a.NodeName,
			a.DesiredStatus, a.ClientStatus, a.ClientDescription, a.CreateIndex, a.ModifyIndex, time.Unix(0, a.ModifyTime).Format(time.TimeOnly), health)
	}
	deployments, _, err3 := c.alive().client.Jobs().Deployments(job, true, nil)
	for _, d := range deployments {
		fmt.Fprintf(&b, "\n deployment %s of version %d is %s %s, created %d modified %d with %+v", d.ID, d.JobVersion, d.Status, d.StatusDescription, d.CreateIndex, d.ModifyIndex,
			d.TaskGroups["g"])
	}
	if err := errors.Join(err, err2, err3); err != nil {
		fmt.Fprint(&b, err)
	}
	return b.String()
}

// checkAllocs finds just the allocations that the job asks for.
func (c *crowd) checkAllocs(w *wish, is said, job *nomad.Job) error {
	client := c.alive().client
	allocs, _, err := client.Jobs().Allocations(w.id, true, nil)
	if err != nil {
		return err
	}
	own, _, err := client.Jobs().Allocations(w.id, false, nil) // not those of a job that was purged and had this name
	if err != nil {
		return err
	}
	var live, done []string
	failed := map[uint64]bool{}
	deployments, _, err := client.Jobs().Deployments(w.id, false, nil)
	if err != nil {
		return err
	}
	for _, d := range deployments {
		switch {
		case d.Status == "running" || d.Status == "pending" || d.Status == "blocked" || d.Status == "unblocking":
			return fmt.Errorf("deployment %s of version %d is %s: %s%s", d.ID, d.JobVersion, d.Status, d.StatusDescription, c.tell(w.id))
		case d.Status == "failed":
			failed[d.JobVersion] = true
		}
	}
	for _, a := range allocs {
		if a.ClientStatus != "running" && a.ClientStatus != "pending" && a.ClientStatus != "unknown" {
			continue
		}
		if a.DesiredStatus != "run" {
			return fmt.Errorf("%s %s is to %s and %s%s", a.ID, a.Name, a.DesiredStatus, a.ClientStatus, c.tell(w.id))
		}
		if w.kind != "batch" && !failed[*job.Version] && a.JobVersion != *job.Version {
			return fmt.Errorf("%s is live at version %d of %d%s", a.Name, a.JobVersion, *job.Version, c.tell(w.id))
		}
		live = append(live, a.Name)
	}
	for _, a := range own {
		if a.ClientStatus == "complete" && is.exists && a.JobVersion == *job.Version && a.DesiredStatus == "run" {
			done = append(done, a.Name)
		}
	}
	want := 0
	if is.exists && !is.stopped {
		want = is.count
	}
	good := len(live) == want && distinct(live) == want
	switch w.kind {
	case "batch":
		good = len(live) == 0 && distinct(done) >= want
	case "system":
		good = len(live) == 12*want && distinct(live) == want
	case "failing": // each is replaced when it has failed, after a while
		good = len(live) <= want && distinct(live) == len(live) && (want == 0 || len(live) > 0)
	}
	if !good {
		return fmt.Errorf("%v are live and %v done of %d%s", live, done, want, c.tell(w.id))
	}
	return nil
}

// distinct returns how many of the names differ.
func distinct(names []string) int {
	slices.Sort(names)
	return len(slices.Compact(slices.Clone(names)))
}

// checkNodes finds no port twice on a node, and no more taken than a node has.
func (c *crowd) checkNodes() error {
	allocs, _, err := c.alive().client.Allocations().List(&nomad.QueryOptions{Params: map[string]string{"resources": "true"}})
	if err != nil {
		return err
	}
	memory, ports := map[string]int64{}, map[string]string{}
	for _, a := range allocs {
		if a.ClientStatus != "running" && a.ClientStatus != "pending" {
			continue
		}
		for _, task := range a.AllocatedResources.Tasks {
			memory[a.NodeName] += task.Memory.MemoryMB
		}
		for _, p := range a.AllocatedResources.Shared.Ports {
			key := fmt.Sprintf("port %d of %s", p.Value, a.NodeName)
			if other := ports[key]; other != "" {
				return fmt.Errorf("%s has %s and %s", key, a.ID, other)
			}
			ports[key] = a.ID
		}
	}
	for node, mb := range memory {
		if mb > 4096 {
			return fmt.Errorf("%s has %d MiB of allocations", node, mb)
		}
	}
	return nil
}

// stopFailing stops what would change the state for ever, so that there is a time at which servers can be compared.
func (c *crowd) stopFailing(all []*wish) error {
	for _, w := range all {
		if w.kind != "failing" {
			continue
		}
		if _, _, err := c.alive().client.Jobs().Deregister(w.id, true, nil); err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

// checkEqual compares what the servers tell from their own state.
func (c *crowd) checkEqual() error {
	var first []string
	for i, s := range c.servers {
		var all []string
		own := &nomad.QueryOptions{AllowStale: true}
		jobs, _, err := s.client.Jobs().List(own)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			all = append(all, fmt.Sprintf("job %s %s %v %d %d", j.ID, j.Status, j.Stop, j.ModifyIndex, j.JobModifyIndex))
		}
		allocs, _, err := s.client.Allocations().List(own)
		if err != nil {
			return err
		}
		for _, a := range allocs {
			all = append(all, fmt.Sprintf("alloc %s %s %s %d", a.ID, a.DesiredStatus, a.ClientStatus, a.ModifyIndex))
		}
		evals, _, err := s.client.Evaluations().List(own)
		if err != nil {
			return err
		}
		for _, e := range evals {
			all = append(all, fmt.Sprintf("eval %s %s %d", e.ID, e.Status, e.ModifyIndex))
		}
		deployments, _, err := s.client.Deployments().List(own)
		if err != nil {
			return err
		}
		for _, d := range deployments {
			all = append(all, fmt.Sprintf("deployment %s %s %d", d.ID, d.Status, d.ModifyIndex))
		}
		slices.SortFunc(all, cmp.Compare)
		if i == 0 {
			first = all
		}
		if !slices.Equal(first, all) {
			return fmt.Errorf("%s tells otherwise than %s: %s", s.addr, c.servers[0].addr, difference(first, all))
		}
	}
	return nil
}

// difference is the first that stands in one sorted list only.
func difference(a, b []string) string {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	first := func(list []string) string {
		if len(list) == 0 {
			return "nothing"
		}
		return list[0]
	}
	return first(b) + ", not " + first(a)
}
