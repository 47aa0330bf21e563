// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// TestRestartAsks answers the questions of a restart on a terminal.
func TestRestartAsks(t *testing.T) {
	const (
		one = "b1111111-0000-0000-0000-000000000000"
		two = "b2222222-0000-0000-0000-000000000000"
		end = "b3333333-0000-0000-0000-000000000000"
	)
	for _, c := range []struct {
		name, args, in string
		deployment     string
		code           int
		restarted      int
		want           []string
	}{
		{"all", "-yes", "", "null", 0, 3, []string{"Restarting 3 allocations\n    ", "Job restarted successfully!"}},
		{"one batch", "-batch-size=100%", "", "null", 0, 3, []string{"Restarting running tasks in allocation \"b1111111\" for group \"g\""}},
		{"batches", "-batch-size=2", "", "null", 0, 3, []string{"==> 2026-11-23T03:20:00Z: Restarting 1st batch of 2 allocations", "==> 2026-11-23T03:20:00Z: Restarting 2nd batch of 1 allocations"}},
		{"go on", "-batch-wait=ask", "\n\n", "null", 0, 3, []string{"==> 2026-11-23T03:20:00Z: Proceed with next batch? [Y/n/<duration>]", "Job restart finished"}},
		{"wait", "-batch-wait=ask", "what\n1ns\n", "null", 0, 3, []string{`"what" is neither y nor n nor a duration`, "==> 2026-11-23T03:20:00Z: Proceeding restarts with new wait time of 1ns", "==> 2026-11-23T03:20:00Z: Waiting 1ns before restarting the next batch"}},
		{"stop", "-batch-wait=ask", "n\n", "null", 0, 1, []string{"Job restart canceled"}},
		{"no answer", "", "", `{"ID":"d1111111-0000","Status":"running"}`, 1, 0, []string{"Ignore the errors", `* Deployment "d1111111" is "running"`}},
		{"ignore", "", "y\ny\n", `{"ID":"d1111111-0000","Status":"running"}`, 1, 0, []string{"3 errors occurred"}},
		{"fail", "-on-error=fail", "", `{"ID":"d1111111-0000","Status":"running"}`, 1, 0, []string{"1 error occurred"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newCannedAgent(t)
			for _, l := range []string{
				`GET /v1/jobs = [{"ID":"web","Namespace":"default"}]`,
				`GET /v1/job/web = {"ID":"web","Namespace":"default","Type":"service","TaskGroups":[{"Name":"g"}]}`,
				`GET /v1/job/web/deployment = ` + c.deployment,
				`GET /v1/job/web/allocations = [{"ID":"` + end + `","Name":"web.g[2]","TaskGroup":"g","ClientStatus":"running","DesiredStatus":"run"},` +
					`{"ID":"` + two + `","Name":"web.g[1]","TaskGroup":"g","ClientStatus":"running","DesiredStatus":"run"},` +
					`{"ID":"` + one + `","Name":"web.g[0]","TaskGroup":"g","ClientStatus":"running","DesiredStatus":"run"},` +
					`{"ID":"dead","Name":"web.g[0]","TaskGroup":"g","ClientStatus":"complete","DesiredStatus":"stop"}]`,
				`GET /v1/allocation/` + one + ` = {"ID":"` + one + `","ClientStatus":"running","DesiredStatus":"run"}`,
				`GET /v1/allocation/` + two + ` = {"ID":"` + two + `","ClientStatus":"running","DesiredStatus":"run"}`,
				`GET /v1/allocation/` + end + ` = {"ID":"` + end + `","ClientStatus":"running","DesiredStatus":"run"}`,
				`PUT /v1/client/allocation/` + one + `/restart = {}`,
				`PUT /v1/client/allocation/` + two + `/restart = {}`,
				`PUT /v1/client/allocation/` + end + `/restart = {}`,
			} {
				if !a.line(l) {
					t.Fatal("bad line", l)
				}
			}
			var out bytes.Buffer
			words := append([]string{"job", "restart"}, strings.Fields(c.args)...)
			code := runCommand(append(words, "web"), streams{in: &screenFile{Reader: strings.NewReader(c.in)}, out: &out, err: &out, clock: a.now})
			if code != c.code || len(a.writes) != c.restarted {
				t.Errorf("status %d, %d restarted, want %d and %d\n%s", code, len(a.writes), c.code, c.restarted, out.String())
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in\n%s", w, out.String())
				}
			}
		})
	}
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestRestartLeft: who ends the command at a question ends the restart, which is no error of its own.
func TestRestartLeft(t *testing.T) {
	a := newCannedAgent(t)
	in, nobody := io.Pipe()
	defer nobody.Close()
	ctx, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	r := &restarter{m: &meta{streams: streams{in: in, out: &out, err: &out, clock: a.now}, input: &input{ctx: ctx, r: in}}, plan: &restartPlan{askWait: true}}
	if r.between(ctx) || r.goOn(nil) || len(r.mu.errs) > 0 {
		t.Errorf("it goes on or has failed: %v\n%s", r.mu.errs, out.String())
	}
}
