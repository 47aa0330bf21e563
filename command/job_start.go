// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/jobspec"
)

func jobStartCommand() *spec {
	var detach, verbose bool
	return &spec{
		usage: "job start [options] <job>", synopsis: "Start a stopped job again", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Registers the current version of a stopped job again, which makes a new version, and follows the evaluation.

Exit status: 0 when everything was placed and started, 1 on errors, 2 when allocations could not be placed.

Example:

    $ nomadlike job start web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&detach, "detach", false, "Return once the job is registered.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			job, _, err := api.JobGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error querying job", err)
			}
			if !job.Stop {
				return fmt.Errorf("Job %q has not been stopped", stub.ID) //nolint:staticcheck // the contract's text
			}
			sub, err := submissionOf(ctx, c, job)
			if err != nil {
				return err
			}
			job.Stop = false
			if err := restoreScaling(job, sub); err != nil {
				// The job can run without its autoscaling, so this is not the end of it.
				fmt.Fprintln(m.err, m.paint(yellow, "Scaling policies stay as they are: "+err.Error()))
			}
			resp, _, err := api.JobRegister.Call(ctx, c, &api.JobRegisterRequest{WriteOptions: writeIn(stub.Namespace), Job: job, Submission: sub})
			if err != nil {
				return doing("Error running job", err)
			}
			m.warnings(resp.Warnings)
			return m.launched(ctx, c, &launch{
				done: "Job start successful", evalID: resp.EvalID, job: job, detach: detach, verbose: verbose, rollout: true,
			})
		},
	}
}

// submissionOf reads the source of a job version, nil when it was not stored.
func submissionOf(ctx context.Context, c *client.Client, job *api.Job) (*api.JobSubmission, error) {
	sub, _, err := api.JobSubmissionGet.Call(ctx, c, &api.JobSubmissionRequest{
		ReadOptions: inNamespace(job.Namespace), JobID: job.ID, Version: strconv.FormatUint(job.Version, 10),
	})
	if client.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, doing("Error querying job submission", err)
	}
	return sub, nil
}

// restoreScaling gives the scaling policies of a stopped job, which stopping disabled, the state that was
// submitted, when that is known.
func restoreScaling(job *api.Job, sub *api.JobSubmission) error {
	if sub == nil || !slices.ContainsFunc(job.TaskGroups, func(g *api.TaskGroup) bool { return g.Scaling != nil }) {
		return nil
	}
	submitted, err := parseSubmission(sub)
	if err != nil {
		return doing("Error parsing the stored source of the job", err)
	}
	for _, g := range job.TaskGroups {
		was := submitted.LookupTaskGroup(g.Name)
		if g.Scaling != nil && was != nil && was.Scaling != nil {
			g.Scaling.Enabled = new(api.Or(was.Scaling.Enabled, true))
		}
	}
	return nil
}

// parseSubmission reads a job from the source that it was submitted with.
func parseSubmission(sub *api.JobSubmission) (*api.Job, error) {
	switch sub.Format {
	case "json":
		return jobspec.ParseJSON([]byte(sub.Source))
	case "hcl2":
	default:
		return nil, errors.New("its format is " + strconv.Quote(sub.Format))
	}
	var vars []string
	for _, k := range sortedKeys(sub.VariableFlags) {
		vars = append(vars, k+"="+sub.VariableFlags[k])
	}
	res, err := jobspec.Parse(&jobspec.Config{Path: "stored source", Body: []byte(sub.Source), VarContent: sub.Variables, ArgVars: vars})
	if err != nil {
		return nil, err
	}
	return res.Job, nil
}
