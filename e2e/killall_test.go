// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// killFor, when it is set, is how long TestKillEverything kills at random ("5m"), instead of killing each kind once.
// killSeed repeats a run; killKinds has these kinds killed only ("agent,engine").
const (
	killFor   = "NOMADLIKE_KILL_FOR"
	killSeed  = "NOMADLIKE_KILL_SEED"
	killKinds = "NOMADLIKE_KILL_KINDS"
)

// dockerOf configures the docker plugin for an engine. Containers of starts that nobody learnt of are looked for often.
const dockerOf = `
plugin "docker" {
  config {
    endpoint = %q
    gc {
      dangling_containers {
        period         = "1m"
        creation_grace = "1m"
      }
    }
  }
}
`

// killNet is a bridge that nothing else on the machine has, and its addresses.
const killNet = `
client {
  cni_path              = %q
  bridge_network_name   = "nlkill"
  bridge_network_subnet = "` + killSubnet + `0/24"
}
`

const killSubnet = "172.31.215."

// kindsOfTasks are what tasks of each kind run with: a driver, or with "net" docker in a network of the group's own.
var kindsOfTasks = []string{"raw_exec", "exec", "docker", "net"}

// killer kills parts of a node and knows what has to become of its tasks.
type killer struct {
	*agent
	engine *engine
	random *rand.Rand
	// site has an artifact, which takes its time.
	site *httptest.Server
	// word is what the templates of services render.
	word atomic.Int64
	// codes is the exit code of each batch job.
	codes map[string]int
	// doubtful are jobs whose registration was not acknowledged.
	doubtful map[string]bool
	// hit says what was killed under an allocation, other than agents and plugins, which no task may notice.
	hit map[string]string
}

// kinds is what is killed. Engines are struck in random runs only: what one did when it went away decides whether
// something is left for reconciliation, which takes minutes. "containerd" can be chosen too; some engines lose network
// namespaces of their own then.
var (
	kinds   = []string{"agent", "plugin raw_exec", "plugin exec", "plugin docker", "shim", "task", "container", "template", "template agent"}
	engines = []string{"engine", "engine in order", "containerd-shim"}
)

// TestKillEverything kills agent, plugins, shims, tasks and, at random, the container engine with SIGKILL while tasks start and
// end. Every task that was not hit itself ends with its own exit code; of the others the events say what happened;
// and in the end no process, container, mount, network or control group is left.
func TestKillEverything(t *testing.T) {
	testkit.Need(t, "linux", "root", "busybox", "dockerd", "cni")
	seed, rounds, until := uint64(1), kinds, time.Time{}
	if text := os.Getenv(killFor); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		seed, rounds, until = rand.Uint64(), nil, time.Now().Add(d)
	}
	if text := os.Getenv(killSeed); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	k := &killer{
		engine: newEngine(t), random: rand.New(rand.NewPCG(seed, 0)),
		codes: map[string]int{}, doubtful: map[string]bool{}, hit: map[string]string{},
	}
	k.engine.importPause()
	k.site = httptest.NewServer(http.HandlerFunc(k.artifact))
	t.Cleanup(k.site.Close)
	k.cleanNetwork()
	k.agent = newAgent(t, false, fmt.Sprintf(dockerOf, k.engine.host)+fmt.Sprintf(killNet, testkit.CNIPath)+eager)
	k.start()
	for _, driver := range kindsOfTasks {
		k.register(k.service(driver))
	}
	for _, driver := range kindsOfTasks {
		k.running("stays-"+driver, 1)
	}
	for n := 0; n < len(rounds) || time.Now().Before(until); n++ {
		for _, driver := range kindsOfTasks {
			k.submit(n, driver)
		}
		kind := ""
		if n < len(rounds) {
			kind = rounds[n]
		} else {
			all := slices.Concat(kinds, engines)
			if text := os.Getenv(killKinds); text != "" {
				all = strings.Split(text, ",")
			}
			kind = all[k.random.IntN(len(all))]
		}
		k.pause(time.Second)
		k.strike(kind)
	}
	if t.Failed() {
		return
	}
	k.engine.ready()
	k.checkEnds()
	k.checkWord()
	k.awaitReconciliation()
	ids := k.allocIDs()
	k.stop()
	k.checkRemains(ids)
}

// cleanNetwork removes in the end what agents leave of killNet on purpose.
func (k *killer) cleanNetwork() {
	k.engine.t.Cleanup(func() {
		_ = exec.Command("ip", "link", "delete", "nlkill").Run()
		_ = exec.Command("iptables", "-w", "-D", adminChain, "-o", "nlkill", "-d", killSubnet+"0/24", "-j", "ACCEPT").Run()
	})
}

// awaitReconciliation waits until the driver has removed the containers that it could not start, or not remove when they
// ended, because the engine was away: all but those that run, and what keeps them running.
func (k *killer) awaitReconciliation() {
	k.t.Helper()
	deadline, again := time.After(6*time.Minute), time.After(2*time.Minute)
	for {
		var left []string
		for _, c := range k.engine.containers() {
			if !strings.Contains(c, " Up ") {
				left = append(left, c)
			}
		}
		out, err := k.engine.docker("ps", "-aq", "--no-trunc").Output()
		for _, p := range k.engine.shims() {
			if err != nil || !strings.Contains(string(out), p.args[slices.Index(p.args, "-id")+1]) {
				left = append(left, "process "+p.String())
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-deadline:
			k.t.Fatalf("this was not removed:\n%s", strings.Join(left, "\n"))
		case <-again:
			// An engine that was killed can take a container for one that it is about to restart, and then neither restart
			// nor remove it. Its next start finds out.
			if slices.ContainsFunc(left, func(s string) bool { return strings.Contains(s, " Restarting (") }) {
				k.t.Logf("the engine is started again, which cannot remove this:\n%s", strings.Join(left, "\n"))
				k.engine.end(false)
				k.engine.start()
			}
		case <-time.After(time.Second):
		}
	}
}

// pause waits for a random time up to d, in which anything may happen.
func (k *killer) pause(d time.Duration) { <-time.After(time.Duration(k.random.Int64N(int64(d)))) }

// shell is a job of one task that runs a script with the driver.
func (k *killer) shell(id, kind, driver, script string) *nomad.Job {
	job := shellJob(id, kind, 1, script)
	task := job.TaskGroups[0].Tasks[0]
	task.Driver = driver
	task.KillTimeout = new(time.Second)
	switch driver {
	case "docker", "net":
		task.Driver = "docker"
		task.Config = map[string]any{"image": engineImage, "command": "/bin/busybox", "args": []string{"sh", "-c", script}}
		if driver == "docker" {
			task.Config["network_mode"] = "none"
			break
		}
		job.TaskGroups[0].Networks = []*nomad.NetworkResource{{Mode: "bridge", DynamicPorts: []nomad.Port{{Label: "http", To: 80}}}}
	}
	return job
}

// whole is the artifact.
const whole = "this is all of it"

// artifact serves it in two parts, so that it is often under way when something is killed, and the present word.
func (k *killer) artifact(w http.ResponseWriter, r *http.Request) {
	text := whole
	if r.URL.Path == "/word" {
		text = strconv.FormatInt(k.word.Load(), 10)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write([]byte(text[:len(text)/2]))
	_ = http.NewResponseController(w).Flush()
	<-time.After(rand.N(500 * time.Millisecond))
	_, _ = w.Write([]byte(text[len(text)/2:]))
}

// said is a file of a service that stays.
func (k *killer) said(kind, name string) string {
	k.t.Helper()
	alloc := k.running("stays-"+kind, 1)[0].ID
	return filepath.Join(k.dir, "data", "alloc", alloc, "main", "local", name)
}

// say changes what the templates of services render, which restarts their tasks.
func (k *killer) say() {
	k.t.Helper()
	word := strconv.FormatInt(k.word.Add(1), 10)
	for _, kind := range kindsOfTasks {
		if err := os.WriteFile(k.said(kind, "word"), []byte(word), 0o666); err != nil {
			k.t.Fatal(err)
		}
	}
}

// checkWord waits until the tasks of all services have started with the last word.
func (k *killer) checkWord() {
	k.t.Helper()
	word := strconv.FormatInt(k.word.Load(), 10)
	for _, kind := range kindsOfTasks {
		k.eventually("stays-"+kind+" has heard what was said last", func() error {
			text, err := os.ReadFile(k.said(kind, "heard"))
			if err == nil && string(text) != word {
				err = fmt.Errorf("it has heard %q instead of %s", text, word)
			}
			return err
		})
	}
}

func (k *killer) service(driver string) *nomad.Job {
	job := k.shell("stays-"+driver, "service", driver, `cat "$NOMAD_TASK_DIR/said" > "$NOMAD_TASK_DIR/heard"; while :; do sleep 1; done`)
	task := job.TaskGroups[0].Tasks[0]
	task.Artifacts = []*nomad.TaskArtifact{{GetterSource: new(k.site.URL + "/word")}}
	task.Templates = []*nomad.Template{inline(`{{ file "local/word" }}`, "local/said", "restart")}
	job.TaskGroups[0].RestartPolicy = &nomad.RestartPolicy{
		Attempts: new(1000), Delay: new(50 * time.Millisecond), Interval: new(time.Hour), Mode: new("delay"),
	}
	return job
}

// notWhole is the exit code of tasks whose artifact is not all there.
const notWhole = 121

// submit registers a batch job that ends with a code of its own after some time.
func (k *killer) submit(n int, driver string) {
	k.t.Helper()
	id, code := fmt.Sprintf("ends-%s-%d", driver, n), 1+k.random.IntN(120)
	script := fmt.Sprintf(`[ "$(cat "$NOMAD_TASK_DIR/whole")" = %q ] || exit %d; sleep %d.%d; exit %d`,
		whole, notWhole, k.random.IntN(4), k.random.IntN(10), code)
	job := k.shell(id, "batch", driver, script)
	g := job.TaskGroups[0]
	if n%2 == 0 {
		g.Tasks[0].Artifacts = []*nomad.TaskArtifact{{GetterSource: new(k.site.URL + "/whole")}}
	} else {
		g.Tasks[0].Templates = []*nomad.Template{inline(whole, "local/whole", "noop")}
	}
	g.RestartPolicy = &nomad.RestartPolicy{Attempts: new(0), Mode: new("fail")}
	g.ReschedulePolicy = &nomad.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
	k.codes[id] = code
	if _, _, err := k.client.Jobs().Register(job, nil); err != nil {
		k.t.Logf("%s: %v", id, err)
		k.doubtful[id] = true
	}
}

// strike kills one thing of a kind.
func (k *killer) strike(kind string) {
	k.t.Helper()
	name, plugin, _ := strings.Cut(kind, " ")
	switch name {
	case "agent":
		k.kill()
		k.pause(time.Second)
		k.start()
	case "plugin":
		for _, p := range processes() {
			if p.isPlugin(k.dir, plugin) {
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
	case "shim", "task":
		var live []process
		all := processes()
		for _, p := range all {
			if !p.isShim(k.dir) {
				continue
			}
			if name == "shim" {
				live = append(live, p)
				continue
			}
			for _, child := range all {
				if child.parent == p.pid {
					child.alloc = p.alloc
					live = append(live, child)
				}
			}
		}
		if len(live) > 0 {
			p := live[k.random.IntN(len(live))]
			k.hit[p.alloc] = kind
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	case "container":
		if pid, alloc := k.engine.someTask(k.random); pid > 0 {
			k.hit[alloc] = kind
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	case "template":
		k.say()
		if plugin != "" {
			k.pause(3 * time.Second)
			k.kill()
			k.start()
		}
	case "engine":
		k.hitContainers(kind)
		k.engine.end(plugin == "")
		k.pause(2 * time.Second)
		k.engine.start()
		k.hitContainers(kind) // those that started while it was away or coming
	case "containerd":
		k.hitContainers(kind)
		k.engine.endKeeper()
		k.pause(2 * time.Second)
		k.engine.startKeeper()
		k.engine.ready()
		k.hitContainers(kind)
	case "containerd-shim":
		if shims := k.engine.shims(); len(shims) > 0 {
			k.hitContainers(kind)
			_ = syscall.Kill(shims[k.random.IntN(len(shims))].pid, syscall.SIGKILL)
		}
	}
	k.t.Logf("%s %s", time.Now().Format("15:04:05.000"), kind)
}

// hitContainers notes all unfinished allocations of containers as hit.
func (k *killer) hitContainers(kind string) {
	list, _, err := k.client.Allocations().List(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, s := range list {
		inEngine := strings.Contains(s.JobID, "docker") || strings.Contains(s.JobID, "net")
		if inEngine && (s.ClientStatus == "pending" || s.ClientStatus == "running") {
			k.hit[s.ID] = kind
		}
	}
}

// checkEnds waits until all batch jobs are over and compares what is told of their ends.
func (k *killer) checkEnds() {
	k.t.Helper()
	counts := map[string]int{}
	for id, code := range k.codes {
		if k.doubtful[id] {
			if _, _, err := k.client.Jobs().Info(id, nil); err != nil {
				counts["never registered"]++
				continue
			}
		}
		var last *nomad.Allocation
		k.eventually(id+" is over", func() error {
			list, _, err := k.client.Jobs().Allocations(id, true, nil)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return errors.New("no allocation")
			}
			slices.SortFunc(list, func(a, b *nomad.AllocationListStub) int { return int(a.CreateIndex) - int(b.CreateIndex) })
			if last, _, err = k.client.Allocations().Info(list[len(list)-1].ID, nil); err != nil {
				return err
			}
			if last.ClientStatus != "failed" && last.ClientStatus != "complete" {
				return fmt.Errorf("allocation %s is %s: %s", last.ID, last.ClientStatus, eventText(last.TaskStates["main"]))
			}
			return nil
		})
		counts[k.verdict(id, code, last)]++
	}
	k.t.Logf("ends: %v", counts)
}

// verdict says how the end of a batch job was told, and fails the test when it was told wrong.
func (k *killer) verdict(id string, code int, alloc *nomad.Allocation) string {
	k.t.Helper()
	state, hit := alloc.TaskStates["main"], k.hit[alloc.ID]
	if state == nil {
		k.t.Errorf("%s (allocation %s, %s) has no task state", id, alloc.ID, alloc.ClientDescription)
		return "wrong"
	}
	var ends, failures int
	exact := false
	for _, e := range state.Events {
		switch e.Type {
		case "Terminated":
			ends++
			exact = e.ExitCode == code
			if !exact && hit == "" {
				k.t.Errorf("%s (allocation %s) ended with %d instead of %d: %s", id, alloc.ID, e.ExitCode, code, eventText(state))
				return "wrong"
			}
		case "Driver Failure", "Failed Restoring Task", "Setup Failure":
			failures++
		}
	}
	switch {
	case exact && ends == 1 && failures == 0:
		return "exact"
	case exact:
		k.t.Logf("%s (hit: %s) %s", id, hit, eventText(state))
		return "exact, in the end"
	case hit != "" && ends > 0:
		return "killed with " + hit
	case failures > 0:
		k.t.Logf("%s (hit: %s) %s", id, hit, eventText(state))
		return "failed by name"
	}
	k.t.Errorf("%s (allocation %s, hit: %s) ended without a reason: %s", id, alloc.ID, hit, eventText(state))
	return "wrong"
}

// allocIDs returns all allocations that there were.
func (k *killer) allocIDs() (ids []string) {
	k.t.Helper()
	list, _, err := k.client.Allocations().List(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	return ids
}

// checkRemains looks for what the node may not leave behind.
func (k *killer) checkRemains(ids []string) {
	k.t.Helper()
	k.eventually("nothing is left", func() error {
		var left []string
		for _, p := range processes() {
			if p.belongs(k.dir, ids) {
				left = append(left, "process "+p.String())
			}
		}
		left = append(left, controlGroups(slices.Concat(ids, k.engine.made()))...)
		left = append(left, networkRemains(ids, killSubnet)...)
		left = append(left, k.engine.containers()...)
		left = append(left, k.engine.remains()...)
		if len(left) > 0 {
			return errors.New(strings.Join(left, "\n"))
		}
		return nil
	})
	if left := mountsBelow(k.dir); len(left) > 0 {
		k.t.Errorf("mounts are left: %v", left)
	}
}

// TestDeadDevAgent checks that what a dev agent leaves that was killed goes with the start of the next one, and
// nothing of one that lives.
func TestDeadDevAgent(t *testing.T) {
	testkit.Need(t, "linux")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	live, dead := newAgent(t, true, "").start(), newAgent(t, true, "").start()
	running := func(a *agent) string {
		t.Helper()
		a.register(sleeper("sleeper"))
		return a.running("sleeper", 1)[0].ID
	}
	stays, goes := running(live), running(dead)
	tasks := func(alloc string) (n int) {
		for _, p := range processes() {
			if strings.HasPrefix(p.cwd, temp) && strings.Contains(p.cwd, "/"+alloc+"/") {
				n++
			}
		}
		return n
	}
	dead.kill()
	dead.cmd = nil
	if tasks(stays) == 0 || tasks(goes) == 0 {
		t.Fatalf("%d and %d processes run", tasks(stays), tasks(goes))
	}
	newAgent(t, true, "").start()
	if n := tasks(goes); n != 0 {
		t.Errorf("%d processes of the agent that was killed are left", n)
	}
	if tasks(stays) == 0 {
		t.Error("the task of an agent that lives was ended")
	}
	if left, err := filepath.Glob(filepath.Join(temp, "nomadlike-dev-*")); err != nil || len(left) != 2 {
		t.Errorf("the directories are %q, %v; want those of the two agents that live", left, err)
	}
}
