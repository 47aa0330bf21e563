// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const parameterizedJob = `
job "par" {
  type = "batch"
  parameterized {
    meta_required = ["who"]
    payload       = "required"
  }
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "cat local/in; echo $NOMAD_META_who; exit $NOMAD_META_who"]
      }
      dispatch_payload {
        file = "in"
      }
      restart {
        attempts = 0
        mode     = "fail"
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
  }
}
`

func (a *agent) write(name, text string) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// TestJobVersionsByCommand changes a job back and forth.
func TestJobVersionsByCommand(t *testing.T) {
	a := newAgent(t, true, "").start()
	file := a.write("cli.nomad.hcl", cliJob)
	a.want(0, "", "job", "run", "-detach", file)
	a.running("cli", 2)
	a.want(0, `^Job version 0 tagged with name "first"\n$`, "job", "tag", "apply", "-name", "first", "-description", "the first", "cli")
	a.want(0, `Evaluation ID: [0-9a-f-]{36}\n$`, "job", "run", "-detach", "-var", `words=["second"]`, file)
	a.want(1, `tag "first" already exists on a different version of job "cli"`, "job", "tag", "apply", "-name", "first", "cli")
	history := a.want(0, `Version +=`, "job", "history", "-p", "cli")
	if !regexp.MustCompile(`(?s)^Version     = 1\n.*Diff        =\n.*=>.*Version         = 0\n.*Tag Name        = first\nTag Description = the first\n`).MatchString(history) {
		t.Errorf("history:\n%s", history)
	}
	a.want(0, `words += .*second.*job run -var=`, "job", "inspect", "-hcl", "-with-vars", "cli")
	a.want(0, `finished with status "complete"`, "job", "revert", "cli", "first")
	a.want(1, `can't revert to current version`, "job", "revert", "cli", "2")
	a.want(1, `job "cli" in namespace "default" at version 99 not found`, "job", "revert", "cli", "99")
	a.want(0, `^Tag "first" removed from job "cli"\n$`, "job", "tag", "unset", "-name", "first", "cli")
	a.want(1, `has not been stopped`, "job", "start", "cli")
	a.running("cli", 2)
	a.want(0, `Restarting 2 allocations.*Restarting running tasks in allocation "[0-9a-f]{8}".*Restarting running tasks in allocation "[0-9a-f]{8}".*Job restarted successfully!`, "job", "restart", "-on-error=fail", "cli")
	a.want(0, `replaced by "[0-9a-f]{8}".*is "running".*Job restarted successfully!`, "job", "restart", "-reschedule", "-yes", "-batch-size=100%", "cli")
	a.want(0, `^Created eval ID: "[0-9a-f]{8}" \n$`, "job", "eval", "-detach", "cli")
	a.want(0, `^[0-9a-f-]{36}\n$`, "job", "stop", "-detach", "cli")
	a.eventually("the job is stopped", func() error {
		if out, _, _ := a.cli("", "job", "status", "-short", "cli"); !strings.Contains(out, "dead (stopped)") {
			return errors.New(out)
		}
		return nil
	})
	a.want(0, `finished with status "complete"`, "job", "start", "cli")
	a.running("cli", 2)
}

// TestScaleByCommand scales a group.
func TestScaleByCommand(t *testing.T) {
	a := newAgent(t, true, "").start()
	file := a.write("cli.nomad.hcl", cliJob)
	a.want(0, "", "job", "run", file)
	a.want(0, `finished with status "complete"`, "job", "scale", "cli", "3")
	a.running("cli", 3)
	a.want(0, `^Job scale successful\nEvaluation ID: [0-9a-f-]{36}\n$`, "job", "scale", "-detach", "cli", "g", "1")
	a.running("cli", 1)
	a.want(0, `(?m)^Task Group  Count  PrevCount  Date\ng +1 +3 +\S+\ng +3 +2 +\S+$`, "job", "scaling-events", "cli")
	a.want(1, `wants a number`, "job", "scale", "cli", "many")
}

// TestDispatchByCommand launches children of a parameterized job.
func TestDispatchByCommand(t *testing.T) {
	a := newAgent(t, true, "").start()
	a.want(0, `^Job registration successful\n$`, "job", "run", a.write("par.nomad.hcl", parameterizedJob))
	input := a.write("input", "payload\n")
	a.want(1, `Failed to dispatch job: .*Dispatch did not provide required meta keys: \[who\]`, "job", "dispatch", "par", input)
	out := a.want(0, `^Dispatched Job ID = par/dispatch-\S+\nEvaluation ID     = [0-9a-f]{8}\n\n==> .*Job "par/dispatch-\S+" is "dead"`, "job", "dispatch", "-wait", "-meta", "who=0", "par", input)
	child := regexp.MustCompile(`par/dispatch-\S+`).FindString(out)
	a.want(0, `^payload\n0\n$`, "alloc", "logs", "-job", child)
	a.want(2, `is "dead"`, "job", "dispatch", "-wait", "-meta", "who=7", "par", input)
	a.want(0, `^Dispatched Job ID = par/dispatch-\S+\nEvaluation ID `, "job", "dispatch", "-detach", "-idempotency-token", "once", "-meta", "who=0", "par", input)
	a.want(0, `^Dispatched Job ID = par/dispatch-\S+\n$`, "job", "dispatch", "-detach", "-idempotency-token", "once", "-meta", "who=0", "par", input)
	a.want(0, `(?s)Parameterized Job\nPayload +=.*Dispatched Jobs\nID +Status\npar/dispatch-`, "job", "status", "par")
	a.want(1, `No parameterized job\(s\) with prefix or ID "per" found`, "job", "dispatch", "per")
}
