// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const cliJob = `
variable "words" {
  type    = list(string)
  default = ["hello"]
}

job "cli" {
  meta {
    v = "one"
  }
  group "g" {
    count = 2
    network {
      port "http" {}
    }
    task "main" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo ${join(" ", var.words)} on $NOMAD_PORT_http; echo problem >&2; exec sleep 1000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`

// want fails unless the command ended with the status and its output matches.
func (a *agent) want(code int, pattern string, args ...string) string {
	a.t.Helper()
	out, errs, got := a.cli("", args...)
	if got != code || !regexp.MustCompile(`(?s)`+pattern).MatchString(out+errs) {
		a.t.Fatalf("%v: status %d, want %d and %s\n%s%s", args, got, code, pattern, out, errs)
	}
	return out
}

// TestCommandLine walks a job's life with nothing but the command line.
func TestCommandLine(t *testing.T) {
	a := newAgent(t, true, "").start()
	file := filepath.Join(a.dir, "cli.nomad.hcl")
	if err := os.WriteFile(file, []byte(cliJob), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(0, `Job validation successful`, "job", "validate", file)
	a.want(1, `\+ Job: "cli".*Task Group: "g" \(2 create\).*All tasks successfully allocated.*Job Modify Index: 0`, "job", "plan", file)
	a.want(0, `Monitoring evaluation.*Allocation "[0-9a-f]{8}" created.*finished with status "complete".*Monitoring deployment.*Status +?= successful`,
		"job", "run", "-var", `words=["from","the","command","line"]`, file)
	a.running("cli", 2)
	a.want(0, `No change|Job: "cli"`, "job", "plan", "-var", `words=["from","the","command","line"]`, file)
	status := a.want(0, `Status += running.*Summary.*g +0 +0 +2 `, "job", "status", "cli")
	id := regexp.MustCompile(`(?m)^([0-9a-f]{8})  [0-9a-f]{8}  g `).FindStringSubmatch(status)
	if id == nil {
		t.Fatalf("no allocation in\n%s", status)
	}
	a.want(0, `^from the command line on \d+\n$`, "alloc", "logs", id[1])
	a.want(0, `^problem\n$`, "alloc", "logs", "-stderr", id[1], "main")
	a.want(0, `Client Status += running.*Allocation Addresses.*\*http +yes +127.0.0.1:\d+.*Task "main" is "running".*Task started by client`, "alloc", "status", id[1])
	a.want(0, `Mode +Size +Modified Time +Name.*local/`, "alloc", "fs", id[1], "main")
	a.want(0, `on \d+`, "alloc", "fs", id[1], "alloc/logs/main.stdout.0")
	a.want(0, `ID += [0-9a-f-]{36}`, "status", id[1])
	a.want(0, `ready`, "node", "status")
	a.want(0, `Driver Status +.*raw_exec.*Allocated Resources`, "node", "status", "-self")
	a.want(0, `alive +true`, "server", "members")
	a.want(0, `job-register +cli`, "eval", "list")

	var jobs []struct{ Summary struct{ JobID string } }
	if err := json.Unmarshal([]byte(a.want(0, `Summary`, "job", "status", "-json", "cli")), &jobs); err != nil || len(jobs) != 1 || jobs[0].Summary.JobID != "cli" {
		t.Errorf("status as JSON is %+v %v", jobs, err)
	}
	a.want(0, `^cli\n$`, "job", "inspect", "-t", "{{.ID}}", "cli")
	a.want(0, `variable "words"`, "job", "inspect", "-hcl", "cli")

	changed := filepath.Join(a.dir, "changed.nomad.hcl")
	if err := os.WriteFile(changed, []byte(strings.Replace(cliJob, `"one"`, `"two"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(1, `\+/- Job: "cli".*Meta\[v\]: "one" => "two".*create/destroy update`, "job", "plan", "-var", `words=["from","the","command","line"]`, changed)
	a.want(1, `Enforcing job modify index 1: .*Job not updated`, "job", "run", "-check-index", "1", changed)
	a.want(0, `Job registration successful`, "job", "run", "-detach", changed)
	a.want(0, `Version +=? ?1.*Diff.*Version +=? ?0`, "job", "history", "-p", "cli")
	a.want(1, `Monitoring evaluation.*Monitoring deployment.*Status +?= cancelled`, "job", "stop", "-purge", "cli")
	a.eventually("the job is gone", func() error {
		if out, errs, code := a.cli("", "job", "status", "cli"); code != 1 || !strings.Contains(errs, `No job(s) with prefix or ID "cli" found`) {
			return fmt.Errorf("status %d: %s%s", code, out, errs)
		}
		return nil
	})
}

func TestCommandLineMistakes(t *testing.T) {
	a := newAgent(t, true, "").start()
	bad := filepath.Join(a.dir, "bad.nomad.hcl")
	if err := os.WriteFile(bad, []byte("job \"x\" {\n  group \"g\" {\n    bogus = 1\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unsupported := filepath.Join(a.dir, "unsupported.nomad.hcl")
	if err := os.WriteFile(unsupported, []byte(`job "x" {
  group "g" {
    task "t" {
      driver = "docker"
      csi_plugin {
        id   = "x"
        type = "node"
      }
    }
  }
}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(1, `bad.nomad.hcl:3,5-10: Unsupported argument.*bogus = 1`, "job", "run", bad)
	a.want(1, `csi_plugin.*not supported`, "job", "run", unsupported)
	a.want(1, `csi_plugin.*not supported`, "job", "validate", unsupported)
	a.want(1, `no such file`, "job", "run", filepath.Join(a.dir, "none.hcl"))
	a.want(1, `This command takes one argument`, "job", "run")
	a.want(1, `flag provided but not defined: -bogus`, "job", "run", "-bogus", bad)
	a.want(127, `Usage`, "jbo")
	a.want(1, `No job\(s\) with prefix or ID "none" found`, "job", "status", "none")
	a.want(1, `No allocation\(s\) with prefix or id "abcd" found`, "alloc", "status", "abcd")
	a.want(1, `must contain at least two characters`, "alloc", "status", "a")
	out, errs, code := a.cli("{\"Job\": {\"ID\": \"j\", \"Nope\"", "job", "run", "-json", "-")
	if code != 1 || !strings.Contains(errs, "Error") {
		t.Errorf("truncated JSON: %d %s%s", code, out, errs)
	}
	a.want(0, `Example`, "job", "run", "-h")
	a.addr = "http://127.0.0.1:1"
	a.want(1, `connection refused`, "job", "status")
}
