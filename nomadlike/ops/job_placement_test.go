// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"encoding/json"
	"net/http"
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
