// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"strings"
	"testing"
)

const periodicJob = `
job "per" {
  type = "batch"
  periodic {
    crons = ["@yearly"]
  }
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`

// TestPeriodicByCommand launches children of a periodic job.
func TestPeriodicByCommand(t *testing.T) {
	a := newAgent(t, true, "").start()
	a.want(0, `^Job registration successful\nApproximate next launch time: \d{4}-01-01T00:00:00Z \(.* from now\)\n$`, "job", "run", a.write("per.nomad.hcl", periodicJob))
	a.want(0, `Next Periodic Launch = \d{4}-01-01T00:00:00Z.*No instances of periodic job found`, "job", "status", "per")
	a.want(0, `^Force periodic successful\nEvaluation ID: [0-9a-f-]{36}\n$`, "job", "periodic", "force", "-detach", "per")
	a.want(0, `Previously Launched Jobs\nID +Status\nper/periodic-\d+`, "job", "status", "per")
	a.want(0, "", "job", "stop", "-yes", "per")
	a.want(1, `can't force run non-tracked job`, "job", "periodic", "force", "per")
	off := strings.ReplaceAll(strings.Replace(periodicJob, "periodic {", "periodic {\n    enabled = false", 1), `"per"`, `"off"`)
	a.want(0, `^Job registration successful\n$`, "job", "run", a.write("off.nomad.hcl", off))
	a.want(0, `Next Periodic Launch = none`, "job", "status", "off")
}
