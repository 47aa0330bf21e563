// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// middles are calls of the engine in the middle of which something is killed, by what its log has of them.
var middles = []struct{ name, call string }{
	{"load", "/images/load"},
	{"network", "/containers/create?name=nomad_init_"},
	{"start", "/start"},
	{"stop", "/stop?t="},
	{"remove", "&v=1"},
}

// TestKillInTheMiddle kills agent, plugin and, when killFor is set, engine while the engine is at a call of a task's life,
// and wants the task to come to run, or to its end, all the same, and nothing left of it.
func TestKillInTheMiddle(t *testing.T) {
	testkit.Need(t, "linux", "root", "busybox", "dockerd", "cni")
	k := &killer{
		engine: newEngine(t), random: rand.New(rand.NewPCG(1, 0)), codes: map[string]int{}, doubtful: map[string]bool{}, hit: map[string]string{},
	}
	k.engine.importPause()
	archive := filepath.Join(t.TempDir(), "image.tar")
	if out, err := k.engine.docker("save", "-o", archive, engineImage).CombinedOutput(); err != nil {
		t.Fatalf("save: %v\n%s", err, out)
	}
	k.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, archive) }))
	t.Cleanup(k.site.Close)
	k.cleanNetwork()
	k.agent = newAgent(t, false, fmt.Sprintf(dockerOf, k.engine.host)+fmt.Sprintf(killNet, testkit.CNIPath))
	k.start()
	victims := []string{"agent", "plugin docker"}
	if os.Getenv(killFor) != "" {
		victims = append(victims, "engine")
	}
	for _, m := range middles {
		for _, victim := range victims {
			id := strings.ReplaceAll("mid-"+m.name+"-"+victim, " ", "-")
			t.Log(time.Now().Format("15:04:05.000"), id)
			job := k.middle(id)
			if m.name == "load" {
				task := job.TaskGroups[0].Tasks[0]
				task.Artifacts = []*nomad.TaskArtifact{{GetterSource: new(k.site.URL + "/image.tar"), GetterOptions: map[string]string{"archive": "false"}}}
				task.Config["load"] = "image.tar"
				if out, err := k.engine.docker("rmi", engineImage).CombinedOutput(); err != nil {
					t.Fatalf("rmi: %v\n%s", err, out)
				}
			}
			before := k.engine.calls(m.call)
			k.register(job)
			ends := m.name == "stop" || m.name == "remove"
			if ends {
				k.running(id, 1)
				before = k.engine.calls(m.call)
				if _, _, err := k.client.Jobs().Deregister(id, false, nil); err != nil {
					t.Fatal(err)
				}
			}
			deadline := time.After(patience)
			for k.engine.calls(m.call) == before {
				select {
				case <-deadline:
					t.Fatal("the engine is not asked")
				case <-time.After(time.Millisecond):
				}
			}
			k.strike(victim)
			if !ends {
				k.running(id, 1)
				if _, _, err := k.client.Jobs().Deregister(id, false, nil); err != nil {
					t.Fatal(err)
				}
			}
			k.eventually(id+" has ended", func() error {
				list, _, err := k.client.Jobs().Allocations(id, true, nil)
				if err != nil {
					return err
				}
				for _, s := range list {
					if s.ClientStatus == "running" || s.ClientStatus == "pending" {
						return fmt.Errorf("%s is %s", s.ID, s.ClientStatus)
					}
				}
				if len(list) != 1 || list[0].ClientStatus != "complete" {
					t.Errorf("%s: %d allocations, the last is %s", id, len(list), list[0].ClientStatus)
				}
				return nil
			})
		}
	}
	k.awaitReconciliation()
	ids := k.allocIDs()
	k.stop()
	k.checkRemains(ids)
}

// calls returns how often the engine was asked for something.
func (e *engine) calls(text string) int {
	log, err := os.ReadFile(filepath.Join(e.dir, "log"))
	if err != nil {
		e.t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte("Calling ")) && bytes.Contains(line, []byte(text)) {
			n++
		}
	}
	return n
}

// middle is a job in a network of its own whose task heeds its stop a second late.
func (k *killer) middle(id string) *nomad.Job {
	job := k.shell(id, "service", "net", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done")
	job.TaskGroups[0].RestartPolicy = &nomad.RestartPolicy{
		Attempts: new(1000), Delay: new(50 * time.Millisecond), Interval: new(time.Hour), Mode: new("delay"),
	}
	job.TaskGroups[0].Tasks[0].KillTimeout = new(5 * time.Second)
	return job
}
