// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func jobInspectCommand() *spec {
	var (
		version   string
		hcl, vars bool
		out       output
	)
	return &spec{
		usage: "job inspect [options] <job>", synopsis: "Print a job as it is stored", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Prints the job as {"Job": ...}, or with -hcl the job file that it was submitted with.

Example:

    $ nomadlike job inspect -hcl -with-vars web`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&version, "version", "", "Print version `n` instead of the current one.")
			f.BoolVar(&hcl, "hcl", false, "Print the submitted source.")
			f.BoolVar(&vars, "with-vars", false, "With -hcl, print the submitted variable values too.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if vars && !hcl {
				return usageError("-with-vars requires -hcl")
			}
			if hcl && out.wanted() {
				return usageError("-hcl is exclusive with -json and -t")
			}
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			stub, err := findJob(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			job, err := jobVersion(ctx, c, stub, version)
			if err != nil {
				return err
			}
			switch {
			case hcl:
				return printSource(ctx, m, c, job, vars)
			case out.template != "":
				return out.print(m, job)
			}
			return printJob(m, job, typeinfo.Response)
		},
	}
}

// jobVersion reads the current version of a job, or the one asked for.
func jobVersion(ctx context.Context, c *client.Client, stub *api.JobListStub, version string) (*api.Job, error) {
	read := api.ReadOptions{RequestOptions: api.RequestOptions{Namespace: stub.Namespace}}
	if version == "" {
		job, _, err := api.JobGet.Call(ctx, c, &api.JobRequest{ReadOptions: read, JobID: stub.ID})
		if err != nil {
			return nil, fmt.Errorf("Error inspecting job: %w", err) //nolint:staticcheck // the contract's text
		}
		return job, nil
	}
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return nil, usageError("-version wants a number, got " + strconv.Quote(version))
	}
	resp, _, err := api.JobVersions.Call(ctx, c, &api.JobVersionsRequest{ReadOptions: read, JobID: stub.ID})
	if err != nil {
		return nil, fmt.Errorf("Error retrieving job versions: %w", err) //nolint:staticcheck // the contract's text
	}
	for _, v := range resp.Versions {
		if v.Version == n {
			return v, nil
		}
	}
	return nil, fmt.Errorf("job %q with version %d couldn't be found", stub.ID, n)
}

func printSource(ctx context.Context, m *meta, c *client.Client, job *api.Job, vars bool) error {
	req := &api.JobSubmissionRequest{JobID: job.ID, Version: strconv.FormatUint(job.Version, 10)}
	req.Namespace = job.Namespace
	sub, _, err := api.JobSubmissionGet.Call(ctx, c, req)
	if err != nil {
		return fmt.Errorf("the source of job %q was not stored: %w", job.ID, err)
	}
	fmt.Fprintln(m.out, strings.TrimRight(sub.Source, "\n"))
	if !vars {
		return nil
	}
	var again strings.Builder
	again.WriteString(name + " job run")
	if len(sub.VariableFlags) > 0 {
		fmt.Fprint(m.out, "\n# Variables of the command line and the environment:\n")
		for _, k := range sortedKeys(sub.VariableFlags) {
			fmt.Fprintf(m.out, "#   %s = %q\n", k, sub.VariableFlags[k])
			again.WriteString(" -var=" + shellQuote(k+"="+sub.VariableFlags[k]))
		}
	}
	if sub.Variables != "" {
		fmt.Fprintf(m.out, "\n# Variable file:\n%s\n", indent(strings.TrimRight(sub.Variables, "\n"), "#   "))
		again.WriteString(" -var-file=<file>")
	}
	fmt.Fprintf(m.out, "\n# To run it again:\n#   %s <path>\n", again.String())
	return nil
}

// shellQuote quotes a word for a POSIX shell when it needs it.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
