// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func jobRunCommand() *spec {
	var (
		file                    jobFile
		checkIndex, consulSpace string
		detach, output, verbose bool
		req                     api.JobRegisterRequest
		page                    webUI
	)
	return &spec{
		usage: "job run [options] <path>", synopsis: "Run a new job or update one", remote: true, args: exactly(1, "<path>"), completes: completeFiles,
		long: `Reads the job file, registers the job and follows its evaluation, and a service job until its allocations run.
On a terminal the progress is drawn in place, in a pipe each change is a line. "-" reads the file from standard
input; an http or https URL is downloaded.

Exit status: 0 when everything was placed and started, 1 on errors and when an allocation fails, 2 when
allocations could not be placed.

Example:

    $ nomadlike job run -var image=web:2 web.nomad.hcl`,
		flags: func(f *flag.FlagSet) {
			file.register(f)
			f.StringVar(&checkIndex, "check-index", "", "Register only if the job's modify index is `index`; 0 for a job that must not exist.")
			f.BoolVar(&detach, "detach", false, "Return once the job is registered.")
			f.IntVar(&req.EvalPriority, "eval-priority", 0, "Priority `n` of the evaluation, 1 to 100; the job's by default.")
			f.BoolVar(&output, "output", false, "Print the job as JSON and do not register it.")
			f.BoolVar(&req.PolicyOverride, "policy-override", false, "Override soft policies; there are none.")
			f.BoolVar(&req.PreserveCounts, "preserve-counts", false, "Keep the counts of groups that run already.")
			f.BoolVar(&req.PreserveResources, "preserve-resources", false, "Keep the resources of tasks that run already.")
			f.StringVar(&consulSpace, "consul-namespace", "", "The Consul `namespace` of the job.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			l, err := file.load(ctx, m, args[0])
			if err != nil {
				return err
			}
			if consulSpace != "" {
				l.job.ConsulNamespace = consulSpace
			}
			if output {
				return printJob(m, l.job, typeinfo.Input)
			}
			m.settle(l.job)
			if checkIndex != "" {
				if req.JobModifyIndex, err = strconv.ParseUint(checkIndex, 10, 64); err != nil {
					return fmt.Errorf("Error parsing check-index value %q: %w", checkIndex, err) //nolint:staticcheck // the contract's text
				}
				req.EnforceIndex = true
			}
			req.Job, req.Submission = l.job, l.submission
			return l.located(m.runJob(ctx, &req, &page, detach, verbose))
		},
	}
}

// printJob writes {"Job": ...} with sorted keys.
func printJob(m *meta, job *api.Job, form typeinfo.Form) error {
	data, err := typeinfo.Marshal(map[string]any{"Job": job}, form)
	if err != nil {
		return err
	}
	text, err := sortKeys(data)
	if err != nil {
		return err
	}
	fmt.Fprintln(m.out, text)
	return nil
}

// runJob registers the job and follows what comes of it.
func (m *meta) runJob(ctx context.Context, req *api.JobRegisterRequest, page *webUI, detach, verbose bool) error {
	c, err := m.client()
	if err != nil {
		return err
	}
	resp, _, err := api.JobRegister.Call(ctx, c, req)
	if err != nil {
		if req.EnforceIndex && strings.Contains(err.Error(), "Enforcing job modify index") {
			_, text, _ := strings.Cut(err.Error(), "Enforcing")
			text = "Enforcing" + strings.TrimSuffix(text, ")")
			fmt.Fprintf(m.err, "%s\nJob not updated\n", m.paint(red, text))
			return exitError(1)
		}
		return fmt.Errorf("Error submitting job: %w", err) //nolint:staticcheck // the contract's text
	}
	m.warnings(resp.Warnings)
	err = m.launched(ctx, c, &launch{
		done: "Job registration successful", evalID: resp.EvalID, job: req.Job, detach: detach, verbose: verbose, rollout: true,
	})
	if err == nil {
		m.hint(ctx, c, page, "View this job", jobPage(req.Job.ID, m.namespace))
	}
	return err
}

// warnings shows what the servers found odd about a job.
func (m *meta) warnings(text string) {
	if text != "" {
		fmt.Fprintf(m.out, "%s\n\n", m.paint(yellow, "Job Warnings:\n"+text))
	}
}
