// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStartupLines: an agent says first what it was started with, in the order of the contract, and a server has the ID that
// it tells there from its first start on.
func TestStartupLines(t *testing.T) {
	a := newAgent(t, false, `client { options { "no.such" = "option" } }`).start()
	for _, start := range []string{"first", "second"} {
		text := a.log.String()
		text = text[strings.LastIndex(text, "==> Loaded configuration from "+filepath.Join(a.dir, "agent.hcl")+"\n"):]
		head, log, ok := strings.Cut(text, "\n==> nomadlike agent started! Log data will stream in below:\n\n")
		var keys []string
		values := map[string]string{}
		for l := range strings.SplitSeq(head, "\n") {
			if k, v, is := strings.Cut(l, ": "); is && strings.HasPrefix(l, " ") {
				keys = append(keys, strings.TrimSpace(k))
				values[strings.TrimSpace(k)] = v
				if strings.Index(l, ":") != 22 {
					t.Errorf("%s start: the keys do not end in one column: %q", start, l)
				}
			}
		}
		if want := "Advertise Addrs, Bind Addrs, Client, Log Level, Node Id, Region, Server, Version, Web UI"; !ok || strings.Join(keys, ", ") != want {
			t.Fatalf("%s start: the keys are %q, want %s, in\n%s", start, keys, want, text)
		}
		if values["Client"] != "true" || values["Server"] != "true" || values["Log Level"] != "DEBUG" || values["Region"] != "global (DC: dc1)" {
			t.Errorf("%s start: the values are %q", start, values)
		}
		if !strings.HasPrefix(log, "    20") {
			t.Errorf("%s start: the log begins with %.80q", start, log)
		}
		if early := "nothing reads these client options: options=no.such\n"; !strings.Contains(log, early) {
			t.Errorf("%s start: after the beginning there is no line %q, in\n%s", start, early, text)
		}
		if peers, err := a.client.Operator().RaftGetConfiguration(nil); err != nil || len(peers.Servers) != 1 || peers.Servers[0].ID != values["Node Id"] {
			t.Errorf("%s start: the server is %q, raft says %+v %v", start, values["Node Id"], peers, err)
		}
		if start == "first" {
			a.kill()
			a.start()
		}
	}
}

// TestKillAgent kills an agent with server and client at once: what it acknowledged is there again, its
// tasks never stopped, their logs have no gap and an exit while it was away is not lost.
func TestKillAgent(t *testing.T) {
	a := newAgent(t, false, "").start()
	flag := filepath.Join(a.dir, "go")
	a.register(shellJob("stays", "service", 1, `echo start $$; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done`))
	a.register(shellJob("ends", "batch", 1, fmt.Sprintf(`while [ ! -e %s ]; do sleep 0.05; done; echo over`, flag)))
	before := a.running("stays", 1)[0]
	ending := a.running("ends", 1)[0]
	a.kill()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a.start()
	after := a.running("stays", 1)[0]
	if after.ID != before.ID || after.TaskStates["main"].Restarts != 0 {
		t.Errorf("allocation %s became %s with %d restarts", before.ID, after.ID, after.TaskStates["main"].Restarts)
	}
	a.eventually("the exit was noticed", func() error {
		s, _, err := a.client.Allocations().Info(ending.ID, nil)
		if err == nil && s.ClientStatus != "complete" {
			err = fmt.Errorf("status is %s, task states %+v", s.ClientStatus, s.TaskStates["main"])
		}
		return err
	})
	full, _, err := a.client.Allocations().Info(after.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.eventually("the log goes on", func() error {
		lines := strings.Split(strings.TrimSpace(a.logs(full, "main")), "\n")
		if len(lines) < 20 {
			return fmt.Errorf("%d lines", len(lines))
		}
		for i, l := range lines[1:] {
			if l != fmt.Sprintf("line %d", i+1) {
				t.Fatalf("line %d of the log is %q", i+1, l)
			}
		}
		return nil
	})
}

// TestKillServerWhileWriting kills the agent amid registrations: every acknowledged job is there again.
func TestKillServerWhileWriting(t *testing.T) {
	a := newAgent(t, false, "").start()
	for round := range 3 {
		acked := make(chan string, 1000)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				job := shellJob(fmt.Sprintf("w-%d-%d", round, i), "batch", 0, "true")
				if _, _, err := a.client.Jobs().Register(job, nil); err != nil {
					close(acked)
					return
				}
				acked <- *job.ID
			}
		}()
		var ids []string
		for len(ids) < 10 {
			ids = append(ids, <-acked)
		}
		a.kill()
		<-done
		for id := range acked {
			ids = append(ids, id)
		}
		a.start()
		for _, id := range ids {
			if _, _, err := a.client.Jobs().Info(id, nil); err != nil {
				t.Errorf("round %d: acknowledged job %s: %v", round, id, err)
			}
		}
	}
}
