// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func jobValidateCommand() *spec {
	var file jobFile
	return &spec{
		usage: "job validate [options] <path>", synopsis: "Check a job file", remote: true, args: exactly(1, "<path>"), completes: completeFiles,
		long: `Parses the job file and checks the job against every rule, with an agent if one is reachable. What is wrong is shown
as the agent says it, and with its place in the file, as run and plan do where an agent refuses a job.

Exit status: 0 when the job is valid, 1 when it is not.

Example:

    $ nomadlike job validate web.nomad.hcl`,
		flags: file.register,
		run: func(ctx context.Context, m *meta, args []string) error {
			l, err := file.load(ctx, m, args[0])
			if err != nil {
				return err
			}
			m.settle(l.job)
			c, err := m.client()
			if err != nil {
				return err
			}
			resp, _, err := api.JobValidate.Call(ctx, c, &api.JobValidateRequest{Job: l.job})
			if _, ok := errors.AsType[*url.Error](err); ok && ctx.Err() == nil {
				resp, err = validateHere(l.job), nil
				fmt.Fprintln(m.out, m.paint(yellow, "The agent is not reachable: only local checks were made, driver configuration was not validated."))
			}
			if err != nil {
				return l.located(fmt.Errorf("Error validating job: %w", err)) //nolint:staticcheck // the contract's text
			}
			if resp.Error != "" {
				fmt.Fprintf(m.err, "%s\n%s\n", m.paint(red, "Job validation errors:"), m.paint(red, tight(resp.Error)))
				if places := l.places(resp.Error); places != "" {
					fmt.Fprintf(m.err, "\n%s\n", places)
				}
				return exitError(1)
			}
			m.warnings(resp.Warnings)
			fmt.Fprintln(m.out, m.paint(green, "Job validation successful"))
			return nil
		},
	}
}

// tight returns text without the blank lines that nested lists of errors end with.
func tight(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), "\n")
}

// validateHere makes the checks that need no agent.
func validateHere(in *api.Job) *api.JobValidateResponse {
	wrong, warnings := problems(in)
	resp := &api.JobValidateResponse{Warnings: warnings.String()}
	if wrong != nil {
		resp.Error = wrong.Error()
	}
	return resp
}
