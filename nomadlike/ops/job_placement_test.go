// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// TestExplained: an evaluation that waits, and a plan, carry all findings when asked to, and nothing beyond the
// contract when not.
func TestExplained(t *testing.T) {
	c := start(t)
	j := job("lost", 2)
	j["Datacenters"] = []string{"nowhere"}
	ev := c.done(c.register(j).EvalID)
	if ev.BlockedEval == "" || ev.FailedTGAllocs["g"] == nil || ev.FailedTGAllocs["g"].Placement != nil {
		t.Fatalf("evaluation %+v", ev)
	}
	body, err := json.Marshal(map[string]any{"Job": j})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][3]string{
		{http.MethodGet, "/v1/evaluation/" + ev.ID, ""},
		{http.MethodGet, "/v1/evaluation/" + ev.BlockedEval, ""},
		{http.MethodPost, "/v1/job/lost/plan", string(body)},
	} {
		a := c.do(r[0], r[1]+"?explain=true", r[2])
		var got struct {
			FailedTGAllocs map[string]*api.AllocMetric
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.code != http.StatusOK {
			t.Fatalf("%s: %d %s", r[1], a.code, a.body)
		}
		m := got.FailedTGAllocs["g"]
		if m == nil || m.Placement == nil || m.Placement.Missing != 2 || len(m.Placement.Suggestions) == 0 {
			t.Errorf("%s explains %+v", r[1], m)
		}
	}
}

// TestNotes: a spread over what no node has is told with the registration, the plan, the evaluation and the placement.
func TestNotes(t *testing.T) {
	c := start(t)
	c.nodes(1)
	j := job("wide", 1)
	j["Spreads"] = []map[string]any{{"Attribute": "${meta.nope}", "Weight": 50}}
	const note = "spread over ${meta.nope} has no effect: no node has it"
	resp := c.register(j)
	if !strings.Contains(resp.Warnings, note) {
		t.Errorf("registration warns of %q", resp.Warnings)
	}
	c.done(resp.EvalID)
	body, err := json.Marshal(map[string]any{"Job": j})
	if err != nil {
		t.Fatal(err)
	}
	var plan api.JobPlanResponse
	unmarshal(t, c.do(http.MethodPost, "/v1/job/wide/plan", string(body)).body, &plan)
	if !strings.Contains(plan.Warnings, note) {
		t.Errorf("plan warns of %q", plan.Warnings)
	}
	var ev api.Evaluation
	c.get("/v1/evaluation/"+resp.EvalID+"?explain=true", &ev)
	if !slices.Contains(ev.Notes, note) {
		t.Errorf("evaluation notes %q", ev.Notes)
	}
	if a := c.do(http.MethodGet, "/v1/evaluation/"+resp.EvalID, ""); strings.Contains(a.body, "Notes") {
		t.Errorf("an evaluation that nobody asked to explain has notes: %s", a.body)
	}
	var p api.JobPlacement
	c.get("/v1/placement/wide", &p)
	if g := p.Group("g"); g == nil || !slices.Contains(g.Notes, note) {
		t.Errorf("placement %+v", p)
	}
}
