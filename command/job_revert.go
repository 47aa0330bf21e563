// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func jobRevertCommand() *spec {
	var detach, verbose bool
	return &spec{
		usage: "job revert [options] <job> <version or tag>", synopsis: "Go back to an earlier version of a job", remote: true,
		args: exactly(2, "<job> <version or tag>"), completes: completeJobs,
		long: `Registers an earlier version of the job again, which makes a new version, and follows the evaluation.

Exit status: 0 when everything was placed, 1 on errors, 2 when allocations could not be placed.

Example:

    $ nomadlike job revert web 2`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&detach, "detach", false, "Return once the version is registered.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			version, err := versionOrTag(ctx, c, stub, args[1])
			if err != nil {
				return err
			}
			resp, _, err := api.JobRevert.Call(ctx, c, &api.JobRevertRequest{
				WriteOptions: writeIn(stub.Namespace), PathID: stub.ID, JobID: stub.ID, JobVersion: version,
			})
			if err != nil {
				return doing("Error reverting job", err)
			}
			m.warnings(resp.Warnings)
			return m.launched(ctx, c, &launch{evalID: resp.EvalID, detach: detach, verbose: verbose, rollout: true})
		},
	}
}

// versionOrTag returns the version that a number or tag names.
func versionOrTag(ctx context.Context, c *client.Client, stub *api.JobListStub, text string) (uint64, error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, nil
	}
	resp, _, err := api.JobVersions.Call(ctx, c, &api.JobVersionsRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
	if err != nil {
		return 0, doing("Error retrieving job versions", err)
	}
	for _, v := range resp.Versions {
		if v.VersionTag != nil && v.VersionTag.Name == text {
			return v.Version, nil
		}
	}
	return 0, fmt.Errorf("Error retrieving job version %q: no version of job %q has that number or tag", text, stub.ID) //nolint:staticcheck // like the contract's texts
}
