// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
)

// parseText parses a job that must be fine.
func parseText(t *testing.T, src string) *api.Job {
	t.Helper()
	res, err := Parse(&Config{Body: []byte(src), Strict: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return res.Job
}

// inTask parses a task with the given body.
func inTask(t *testing.T, body string) *api.Task {
	t.Helper()
	return parseText(t, "job \"j\" {\n  group \"g\" {\n    task \"t\" {\n"+body+"\n    }\n  }\n}\n").TaskGroups[0].Tasks[0]
}

func TestMapForms(t *testing.T) {
	want := map[string]string{"A": "x", "N": "3", "F": "1.5", "B": "true", "R": "${NOMAD_X}"}
	forms := []string{
		"env {\n A = \"x\"\n N = 3\n F = 1.5\n B = true\n R = \"${NOMAD_X}\"\n}",
		"env = {\n A = \"x\"\n N = 3\n F = 1.5\n B = true\n R = \"${NOMAD_X}\"\n}",
		"env = merge({ A = \"x\", N = \"3\" }, { F = \"1.5\", B = \"true\", R = NOMAD_X })",
		"env {\n A = \"x\"\n N = 3\n F = 1.5\n B = true\n R = NOMAD_X\n Z = null\n}",
		"env = { A = \"x\", N = 3, F = 1.5, B = true, R = NOMAD_X, Z = null }",
		"dynamic \"env\" {\n for_each = [3]\n content {\n A = \"x\"\n N = env.value\n F = 1.5\n B = true\n R = NOMAD_X\n}\n}",
	}
	for _, form := range forms {
		if diff := cmp.Diff(want, inTask(t, form).Env); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
	task := inTask(t, `env = { "a.b" = 1, "-c" = 2, "d e" = 3, "${upper("f")}" = 4, (NOMAD_G) = 5 }`)
	want = map[string]string{"a.b": "1", "-c": "2", "d e": "3", "F": "4", "${NOMAD_G}": "5"}
	if diff := cmp.Diff(want, task.Env); diff != "" {
		t.Errorf("free keys (-want +got):\n%s", diff)
	}
	for _, form := range []string{"meta {\n k = \"v\"\n}", "meta = { k = \"v\" }"} {
		job := parseText(t, "job \"j\" {\n"+form+"\ngroup \"g\" {\n"+form+"\ntask \"t\" {\n"+form+"\n}\n}\n}")
		group := job.TaskGroups[0]
		for _, got := range []map[string]string{job.Meta, group.Meta, group.Tasks[0].Meta} {
			if diff := cmp.Diff(map[string]string{"k": "v"}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", form, diff)
			}
		}
	}
}

func TestConversions(t *testing.T) {
	job := parseText(t, `job "j" {
  priority    = "60"
  all_at_once = "true"
  region      = 7
  datacenters = ["a", 1, true]
  group "g" {
    count          = "2"
    shutdown_delay = 1500
    scaling {
      max     = "5"
      enabled = "false"
    }
    constraint {
      attribute = "x"
      value     = 5
    }
    network {
      port "p" {
        static = "${80 + 1}"
      }
      port "negative" {
        static = -1
      }
      port "none" {
        static = 0
      }
    }
    ephemeral_disk {
      size   = 1e2
      sticky = null
    }
    task "t" {
      driver       = true
      kill_timeout = "1h2m3.5s"
      user         = null
      template {
        splay = "0"
      }
    }
  }
}`)
	group := job.TaskGroups[0]
	task := group.Tasks[0]
	checks := []struct {
		name      string
		got, want any
	}{
		{"priority", *job.Priority, 60},
		{"all_at_once", job.AllAtOnce, true},
		{"region", job.Region, "7"},
		{"datacenters", job.Datacenters, []string{"a", "1", "true"}},
		{"count", *group.Count, 2},
		{"shutdown_delay", *group.ShutdownDelay, 1500 * time.Nanosecond},
		{"max", *group.Scaling.Max, 5},
		{"enabled", *group.Scaling.Enabled, false},
		{"value", group.Constraints[0].RTarget, "5"},
		{"static", group.Networks[0].ReservedPorts[0].Value, 81},
		{"negative static", group.Networks[0].ReservedPorts[1].Value, -1},
		{"static 0", group.Networks[0].DynamicPorts[0].Label, "none"},
		{"size", *group.EphemeralDisk.SizeMB, 100},
		{"sticky", group.EphemeralDisk.Sticky, false},
		{"driver", task.Driver, "true"},
		{"kill_timeout", *task.KillTimeout, time.Hour + 2*time.Minute + 3500*time.Millisecond},
		{"user", task.User, ""},
		{"splay", *task.Templates[0].Splay, time.Duration(0)},
	}
	for _, c := range checks {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestUnsetStaysNil makes sure that the parser does not fill defaults of the job.
func TestUnsetStaysNil(t *testing.T) {
	job := parseText(t, `job "j" {
  group "g" {
    update {}
    restart {}
    task "t" {
      resources {}
      logs {}
    }
  }
}`)
	group := job.TaskGroups[0]
	task := group.Tasks[0]
	if job.Priority != nil || job.Type != "" || job.Datacenters != nil || group.Count != nil ||
		task.KillTimeout != nil || job.Update != nil {
		t.Error("a default was filled")
	}
	for name, v := range map[string]any{
		"update": *group.Update, "restart": *group.RestartPolicy, "resources": *task.Resources, "logs": *task.LogConfig,
	} {
		if !reflect.ValueOf(v).IsZero() {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestEmptyCollections(t *testing.T) {
	task := inTask(t, `
      env {}
      meta = {}
      config {}
      action "a" {
        command = "x"
        args    = []
      }`)
	if task.Env == nil || task.Meta == nil || task.Config == nil || task.Actions[0].Args == nil {
		t.Errorf("an empty collection became nil: %+v", task)
	}
}

func TestNames(t *testing.T) {
	tests := []struct{ body, id, name string }{
		{``, "label", "label"},
		{`id = "i"`, "i", "label"},
		{`name = "n"`, "label", "n"},
		{"id = \"i\"\nname = \"n\"", "i", "n"},
		{`id = "a/b c"`, "a/b c", "label"},
	}
	for _, tt := range tests {
		job := parseText(t, "job \"label\" {\n"+tt.body+"\n}")
		if job.ID != tt.id || job.Name != tt.name {
			t.Errorf("%s: got %q, %q", tt.body, job.ID, job.Name)
		}
	}
}

// TestSharedBlocksAreCopies changes what one task inherited and looks at the other.
func TestSharedBlocksAreCopies(t *testing.T) {
	job := parseText(t, `job "j" {
  vault {
    policies = ["p"]
  }
  secret "s" {
    provider = "nomad"
    path     = "x"
    config {
      a = 1
    }
  }
  task "a" {}
  task "b" {}
}`)
	a, b := job.TaskGroups[0].Tasks[0], job.TaskGroups[1].Tasks[0]
	a.Vault.Policies[0] = "changed"
	*a.Vault.Env = false
	a.Secrets[0].Config["a"] = int64(2)
	if b.Vault.Policies[0] != "p" || !*b.Vault.Env || b.Secrets[0].Config["a"] != int64(1) {
		t.Error("the tasks share an inherited block")
	}
}

// TestTaskScalingWithoutMaximum: only the scaling block of a group needs max.
func TestTaskScalingWithoutMaximum(t *testing.T) {
	policies := inTask(t, "scaling \"mem\" {\n policy {\n cooldown = \"1m\"\n }\n}").ScalingPolicies
	if len(policies) != 1 || policies[0].Type != "vertical_mem" || policies[0].Max != nil {
		t.Errorf("got %+v", policies)
	}
}
