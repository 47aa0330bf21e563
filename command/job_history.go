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

func jobHistoryCommand() *spec {
	var (
		diff, full                    bool
		version, diffTag, diffVersion string
		out                           output
	)
	return &spec{
		usage: "job history [options] <job>", synopsis: "Show the versions of a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Lists the kept versions of the job, newest first, with -p each with its difference from the one before.

Example:

    $ nomadlike job history -p web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&diff, "p", false, "Show the difference from the version before.")
			f.BoolVar(&full, "full", false, "Show the whole job of each version.")
			f.StringVar(&version, "version", "", "Show version `n` only.")
			f.StringVar(&diffTag, "diff-tag", "", "With -p, compare with the version tagged `name`.")
			f.StringVar(&diffVersion, "diff-version", "", "With -p, compare with version `n`.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			switch {
			case out.wanted() && (diff || full):
				return usageError("-json and -t are exclusive with -p and -full")
			case !diff && (diffTag != "" || diffVersion != ""):
				return usageError("-diff-tag and -diff-version require -p")
			case diffTag != "" && diffVersion != "":
				return usageError("-diff-tag and -diff-version are exclusive")
			}
			if version != "" {
				if _, err := strconv.ParseUint(version, 10, 64); err != nil {
					return usageError(fmt.Sprintf("-version wants a number, got %q", version))
				}
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
			req := &api.JobVersionsRequest{JobID: stub.ID, Diffs: diff, DiffTag: diffTag, DiffVersion: diffVersion}
			req.Namespace = stub.Namespace
			resp, _, err := api.JobVersions.Call(ctx, c, req)
			if err != nil {
				return fmt.Errorf("Error retrieving job versions: %w", err) //nolint:staticcheck // the contract's text
			}
			versions := []*api.Job{}
			shown := 0
			for i, v := range resp.Versions {
				if version != "" && strconv.FormatUint(v.Version, 10) != version {
					continue
				}
				versions = append(versions, v)
				if out.wanted() {
					continue
				}
				if shown++; shown > 1 {
					fmt.Fprintln(m.out)
				}
				var d *api.JobDiff
				if i < len(resp.Diffs) {
					d = resp.Diffs[i]
				}
				if err := printVersion(m, v, d, full); err != nil {
					return err
				}
			}
			if out.wanted() {
				return out.print(m, versions)
			}
			if len(versions) == 0 {
				return fmt.Errorf("job %q has no version %s", stub.ID, version)
			}
			return nil
		},
	}
}

func printVersion(m *meta, v *api.Job, d *api.JobDiff, full bool) error {
	if full {
		return printJob(m, v, typeinfo.Response)
	}
	kv := []string{"Version", strconv.FormatUint(v.Version, 10), "Stable", strconv.FormatBool(v.Stable), "Submit Date", absolute(v.SubmitTime)}
	if v.VersionTag != nil {
		kv = append(kv, "Tag Name", v.VersionTag.Name, "Tag Description", v.VersionTag.Description)
	}
	fmt.Fprintln(m.out, pairs(kv...))
	if d == nil {
		return nil
	}
	p := &diffPrinter{m: m}
	p.job(d)
	fmt.Fprintf(m.out, "Diff        =\n%s\n", strings.TrimRight(p.b.String(), "\n"))
	return nil
}
