// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit/sink"
)

func TestSubmissionMetrics(t *testing.T) {
	plan := &api.Plan{NodeAllocation: map[string][]*api.Allocation{"n": {{}}}}
	eval := &api.Evaluation{}
	full, part := &Result{Plan: &api.PlanResult{}}, &Result{Plan: &api.PlanResult{RefreshIndex: 1}}
	const submit, worker = "nomad.nomad.plan.submit", "nomad.nomad.worker."
	for name, c := range map[string]struct {
		s    Submission
		r    *Result
		want []string
	}{
		"a plan":                      {Submission{Plan: plan, Final: []*api.Evaluation{eval}}, full, []string{submit, worker + "submit_plan", worker + "update_eval"}},
		"nothing to do":               {Submission{Plan: &api.Plan{}, Final: []*api.Evaluation{eval}}, full, []string{worker + "update_eval"}},
		"a blocked evaluation":        {Submission{Plan: &api.Plan{}, Final: []*api.Evaluation{eval, eval}}, full, []string{worker + "create_eval", worker + "update_eval"}},
		"a part":                      {Submission{Plan: plan, Final: []*api.Evaluation{eval, eval}}, part, []string{submit, worker + "submit_plan"}},
		"a part with what follows it": {Submission{Plan: plan, Always: []*api.Evaluation{eval}, Final: []*api.Evaluation{eval}}, part, []string{submit, worker + "create_eval", worker + "submit_plan"}},
		"an error":                    {Submission{Plan: plan, Final: []*api.Evaluation{eval}}, &Result{Err: errors.New("x")}, nil},
	} {
		m, kept := sink.New(t)
		(&task{Workers: &Workers{sink: m}}).measureSubmission(&c.s, c.r, time.Now())
		if got := slices.Sorted(maps.Keys(kept.Data()[0].Samples)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRejectionMetrics(t *testing.T) {
	m, kept := sink.New(t)
	r := newRejections(RejectionConfig{Enabled: true, Threshold: 3, Window: time.Minute}, nil, hclog.NewNullLogger(), m)
	now := time.Now()
	for i, step := range []struct {
		after time.Duration
		want  float32
		full  bool
	}{{0, 1, false}, {time.Second, 2, false}, {70 * time.Second, 1, false}, {71 * time.Second, 2, false}, {72 * time.Second, 3, true}, {73 * time.Second, 1, false}} {
		reached := r.add([]string{"n1"}, now.Add(step.after))
		got := kept.Data()[0].Gauges["nomad.nomad.plan.rejection_tracker.node_score;node_id=n1"].Value
		if got != step.want || len(reached) > 0 != step.full {
			t.Errorf("step %d: %v, excluded %q, want %v", i, got, reached, step.want)
		}
	}
}
