// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

func jobTagApplyCommand() *spec {
	var tag, description, version string
	return &spec{
		usage: "job tag apply [options] <job>", synopsis: "Give a version of a job a name", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Gives a version of the job, the current one by default, a name. A named version is kept however many newer ones
there are.

Example:

    $ nomadlike job tag apply -name golden -version 3 web`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&tag, "name", "", "The `name`; it is needed.")
			f.StringVar(&description, "description", "", "A `text` that says why.")
			f.StringVar(&version, "version", "", "The version `n`; the current one by default.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if tag == "" {
				return usageError("A version tag name is required (-name)")
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			job, err := jobVersion(ctx, c, stub, version)
			if err != nil {
				return err
			}
			_, _, err = api.JobTag.Call(ctx, c, &api.JobTagRequest{
				WriteOptions: writeIn(stub.Namespace), JobID: stub.ID, Tag: tag, Version: job.Version, Description: description,
			})
			if err != nil {
				return doing("Error tagging job version", err)
			}
			fmt.Fprintf(m.out, "Job version %s tagged with name %q\n", strconv.FormatUint(job.Version, 10), tag)
			return nil
		},
	}
}

func jobTagUnsetCommand() *spec {
	var tag string
	return &spec{
		usage: "job tag unset [options] <job>", synopsis: "Remove the name of a job version", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: "Removes the name that a version of the job was given.\n\nExample:\n\n    $ nomadlike job tag unset -name golden web",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&tag, "name", "", "The `name`; it is needed.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if tag == "" {
				return usageError("A version tag name is required (-name)")
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			if _, _, err = api.JobUntag.Call(ctx, c, &api.JobUntagRequest{WriteOptions: writeIn(stub.Namespace), JobID: stub.ID, Tag: tag}); err != nil {
				return doing("Error untagging job version", err)
			}
			fmt.Fprintf(m.out, "Tag %q removed from job %q\n", tag, stub.ID)
			return nil
		},
	}
}
