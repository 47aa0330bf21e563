// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"slices"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

var _ = conform(
	check{
		op: "Eval.Get",
		values: func(w *world) {
			ev, meta, err := w.client.Evaluations().Info(w.eval, nil)
			w.ok(err)
			w.that(ev.JobID == w.web && ev.Status == "complete" && ev.TriggeredBy == "job-register" && ev.Priority == 50, "evaluation is %+v", ev)
			w.that(meta.LastIndex == ev.ModifyIndex, "index is %d, the evaluation's %d", meta.LastIndex, ev.ModifyIndex)
			w.shape("evaluation-read.json", "GET", "/v1/evaluation/{eval}?related=true", "", httpdtest.Rules{Optional: []string{"RelatedEvals", "PlanAnnotations", "FailedTGAllocs"}})
		},
		refusals: []refusal{
			{"GET", "/v1/evaluation/{absent}", "", 404, "eval not found"},
			{"GET", "/v1/evaluation/short", "", 500, "eval lookup failed: index error: UUID must be 36 characters"},
		},
	},
	check{
		op: "Eval.List",
		values: func(w *world) {
			list, _, err := w.client.Evaluations().List(&nomad.QueryOptions{Filter: `JobID == "web"`})
			w.ok(err)
			w.that(slices.ContainsFunc(list, func(e *nomad.Evaluation) bool { return e.ID == w.eval }), "list is %v", list)
			page, meta, err := w.client.Evaluations().List(&nomad.QueryOptions{PerPage: 1})
			w.ok(err)
			w.that(len(page) == 1, "page has %d", len(page))
			if len(list) > 1 {
				w.that(meta.NextToken != "", "no next token")
			}
		},
		refusals: []refusal{
			{"GET", "/v1/evaluations?status=complete&filter=Status==a", "", 400, "Filter expression cannot be used with other filter parameters"},
			{"GET", "/v1/evaluations?filter=((", "", 400, "failed to read filter expression"},
			{"GET", "/v1/evaluations?prefix=abc", "", 500, "must be even length"},
			{"GET", "/v1/evaluations?per_page=x", "", 400, "Expect a number for `per_page`"},
			{"GET", "/v1/evaluations?index=x", "", 400, "Invalid index"},
			{"GET", "/v1/evaluations?wait=x", "", 400, "Invalid wait time"},
			{"GET", "/v1/evaluations?stale=x", "", 400, "Expect `true` or `false` for `stale`"},
			{"GET", "/v1/evaluations?region=nowhere", "", 500, "No path to region"},
			{"POST", "/v1/evaluations", "", 405, "Invalid method"},
		},
	},
	check{
		op: "Eval.Count",
		values: func(w *world) {
			n, _, err := w.client.Evaluations().Count(&nomad.QueryOptions{Filter: `JobID == "web"`})
			w.ok(err)
			w.that(n.Count >= 1, "count is %d", n.Count)
			w.shape("evaluations-count.json", "GET", "/v1/evaluations/count", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"GET", "/v1/evaluations/count?filter=((", "", 400, "failed to read filter expression"}},
	},
	check{
		op: "Eval.Allocations",
		values: func(w *world) {
			list, _, err := w.client.Evaluations().Allocations(w.eval, nil)
			w.ok(err)
			w.that(len(list) == 2 && list[0].JobID == w.web, "allocations are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/evaluation/x/allocations", "", 500, "UUID must be 36 characters"}},
	},
	check{
		op: "Eval.Delete",
		values: func(w *world) {
			w.submitted(shellJob("finished", "batch", 1, "true"))
			var eval string
			w.eventually("the job is dead", func() error {
				job, _, err := w.client.Jobs().Info("finished", nil)
				if err == nil && *job.Status != "dead" {
					err = errors.New(*job.Status)
				}
				if err != nil {
					return err
				}
				list, _, err := w.client.Jobs().Evaluations("finished", nil)
				if err == nil && len(list) > 0 {
					eval = list[0].ID
				}
				return err
			})
			w.refused(refusal{"DELETE", "/v1/evaluations", `{"EvalIDs":["` + eval + `"]}`, 500, "eval broker is enabled; eval broker must be paused to delete evals"})
			conf, _, err := w.client.Operator().SchedulerGetConfiguration(nil)
			w.ok(err)
			paused := *conf.SchedulerConfig
			paused.PauseEvalBroker = true
			_, _, err = w.client.Operator().SchedulerSetConfiguration(&paused, nil)
			w.ok(err)
			defer func() {
				_, _, err := w.client.Operator().SchedulerSetConfiguration(conf.SchedulerConfig, nil)
				w.ok(err)
			}()
			resp, _, err := w.client.Evaluations().DeleteOpts(&nomad.EvalDeleteRequest{EvalIDs: []string{eval}}, nil)
			w.ok(err)
			w.that(resp.Count == 1, "answer is %+v", resp)
			_, _, err = w.client.Evaluations().Info(eval, nil)
			w.that(err != nil, "the evaluation is still there")
		},
		refusals: []refusal{
			{"DELETE", "/v1/evaluations", `{}`, 400, "evals must be deleted by either ID or filter"},
			{"DELETE", "/v1/evaluations", `{"EvalIDs":["{absent}"],"Filter":"Status == x"}`, 400, "evals cannot be deleted by both ID and filter"},
		},
	},
)
