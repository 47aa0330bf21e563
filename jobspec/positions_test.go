// SPDX-License-Identifier: MPL-2.0

package jobspec

import "testing"

func TestPositions(t *testing.T) {
	const src = `variable "x" {
  default = 1
}
job "j" {
  type = "batch"
  vault {}
  constraint {
    attribute = "a"
  }
  constraint {
    attribute = "b"
    value     = "c"
  }
  group "a \"b\"" {
    count = 2
    restart {
      attempts = 3
    }
    task "t" {
      driver = "exec"
      template {
        data = "x"
      }
    }
  }
  dynamic "group" {
    for_each = [1]
    labels   = ["made"]
    content {
      count = -1
      network {}
    }
  }
  group "services" {
    service {
      name = "a"
    }
    service {
      provider = "consul"
      connect {}
    }
  }
}
`
	p := NewPositions("j.hcl", []byte(src))
	for path, want := range map[string]string{
		"job":                         "j.hcl:4",
		"job.type":                    "j.hcl:5",
		"job.priority":                "j.hcl:4",
		"job.constraint[0]":           "j.hcl:7",
		"job.constraint[1].value":     "j.hcl:12",
		"job.constraint[7].value":     "j.hcl:4",
		`job.group["a \"b\""].count`:  "j.hcl:15",
		`job.group["a \"b\""].update`: "j.hcl:14",
		`job.group["a \"b\""].task["t"].template[0].data`: "j.hcl:22",
		`job.group["a \"b\""].task["t"].vault`:            "j.hcl:6",
		`job.group["a \"b\""].task["t"].restart.attempts`: "j.hcl:17",
		`job.group["a \"b\""].task["no"].user`:            "j.hcl:14",
		`job.group["made"].count`:                         "j.hcl:30",
		`job.group["made"].network.mbits`:                 "j.hcl:31",
		`job.group["services"].service.connect`:           "j.hcl:40",
		`job.group["services"].service.provider`:          "j.hcl:39",
		`job.group["services"].service.port`:              "j.hcl:35",
		`job.group["services"].service[1].name`:           "j.hcl:38",
		"other":                                           "",
		"":                                                "",
	} {
		if got := p.Of(path); got != want {
			t.Errorf("%s is at %q, want %q", path, got, want)
		}
	}
	for _, text := range []string{`{"job": {"j": {}}}`, "job {", "locals {}\n", ""} {
		if got := NewPositions("j.hcl", []byte(text)).Of("job.type"); got != "" {
			t.Errorf("%q: position %q", text, got)
		}
	}
}
