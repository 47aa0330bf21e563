// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func evalDeleteCommand() *spec {
	var (
		filter string
		yes    bool
	)
	return &spec{
		usage: "eval delete [options] [<eval>]", synopsis: "Delete evaluations", remote: true, args: atMost(1, "<eval>"), completes: completeEvals,
		long: `Deletes an evaluation, or with -filter all that the expression selects. The evaluation broker must be paused
before. Only evaluations that flood the cluster are worth deleting; nothing tells the jobs of them.

Example:

    $ nomadlike operator scheduler set-config -pause-eval-broker=true
    $ nomadlike eval delete -filter 'Status == "pending" and JobID == "flood"'`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&filter, "filter", "", "Delete those that the `expression` selects.")
			f.BoolVar(&yes, "yes", false, "Do not ask.")
			f.BoolVar(&yes, "y", false, "Same as -yes.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			switch {
			case len(args) == 0 && filter == "":
				return usageError("Evaluation ID or filter flag required")
			case len(args) == 1 && filter != "":
				return usageError("Evaluation ID and filter flag are exclusive")
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			config, _, err := api.SchedulerConfigGet.Call(ctx, c, &api.OperatorReadRequest{})
			switch {
			case err != nil:
				return doing("Error querying scheduler configuration", err)
			case config.SchedulerConfig == nil || !config.SchedulerConfig.PauseEvalBroker:
				return errors.New("Eval broker is not paused") //nolint:staticcheck // the contract's text
			}
			req := &api.EvalDeleteRequest{Filter: filter}
			if len(args) == 1 {
				v, err := findEval(ctx, m, c, args[0])
				if err != nil {
					return err
				}
				req.EvalIDs = []string{v.ID}
			} else if ok, err := m.confirmFilter(ctx, c, filter, yes); err != nil || !ok {
				return err
			}
			resp, _, err := api.EvalDelete.Call(ctx, c, req)
			if err != nil {
				return doing("Error deleting evaluations", err)
			}
			n := resp.Count
			if len(args) == 1 {
				n = max(n, 1) // the count is of filters only
			}
			fmt.Fprintf(m.out, "Successfully deleted %s\n", count(n, "evaluation"))
			return nil
		},
	}
}

// confirmFilter says how many evaluations a filter selects and asks whether to go on.
func (m *meta) confirmFilter(ctx context.Context, c api.Caller, filter string, yes bool) (bool, error) {
	req := &api.EvalCountRequest{}
	req.Filter, req.Namespace = filter, api.AllNamespaces
	resp, _, err := api.EvalCount.Call(ctx, c, req)
	switch {
	case err != nil:
		return false, doing("Error counting evaluations", err)
	case resp.Count == 0:
		fmt.Fprintln(m.out, "No evaluations to delete")
		return false, nil
	case yes:
		return true, nil
	}
	return m.confirm(fmt.Sprintf("Are you sure you want to delete %s? [y/N]", count(resp.Count, "eval")))
}
