// SPDX-License-Identifier: MPL-2.0

package command

import (
	"strings"
	"testing"
)

// TestDeploymentOnScreen: a terminal shows how a deployment goes below one line that says so, and how it ended.
func TestDeploymentOnScreen(t *testing.T) {
	const id = "d1111111-0000-0000-0000-000000000000"
	for status, want := range map[string]string{
		"successful": "  ✓ Deployment \"d1111111\" successful\n\n    2026-11-23T03:20:00Z\n    ID          = d1111111\n    Job ID      = web\n",
		"failed":     "  ! Deployment \"d1111111\" failed\n\n    2026-11-23T03:20:00Z\n    ID          = d1111111\n    Job ID      = web\n",
	} {
		a := newCannedAgent(t)
		for _, l := range []string{
			`GET /v1/deployments = [{"ID":"` + id + `"}]`,
			`GET /v1/deployment/` + id + ` = {"ID":"` + id + `","JobID":"web","Status":"` + status + `","TaskGroups":{"g":{"DesiredTotal":1}}}`,
		} {
			if !a.line(l) {
				t.Fatal("bad line", l)
			}
		}
		out := &screenFile{}
		runCommand([]string{"deployment", "status", "-monitor", "-no-color", id}, streams{in: strings.NewReader(""), out: out, err: out, clock: a.now})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is shown as\n%s", status, out.String())
		}
	}
	out := &screenFile{}
	p := &progress{m: &meta{streams: streams{out: out}}}
	p.drawUnder("Deployment", []string{"a", "b"})
	p.drawUnder("Deployment", []string{"c"})
	if want := "  ⠙ Deployment\n    \n    a\n    b\n\x1b[4A\x1b[J  ⠹ Deployment\n    \n    c\n"; out.String() != want {
		t.Errorf("drawn is %q, want %q", out.String(), want)
	}
}
