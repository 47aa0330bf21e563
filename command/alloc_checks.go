// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func allocChecksCommand() *spec {
	var (
		verbose bool
		out     output
	)
	return &spec{
		usage: "alloc checks [options] <alloc>", synopsis: "Show the health checks of an allocation", remote: true, args: exactly(1, "<alloc>"), completes: completeAllocs,
		long: "Shows the latest results of the allocation's checks of services whose provider is nomad.\n\nExample:\n\n    $ nomadlike alloc checks 4fd35a03",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			a, err := findAlloc(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			checks, _, err := api.AllocChecks.Call(ctx, c, &api.AllocChecksRequest{ReadOptions: inNamespace(a.Namespace), AllocID: a.ID})
			if err != nil {
				return doing("Error querying allocation health checks", err)
			}
			if out.wanted() {
				return out.print(m, checks)
			}
			if len(checks) == 0 {
				fmt.Fprintln(m.out, "No health checks defined for allocation")
				return nil
			}
			fmt.Fprintf(m.out, "Status of %d Nomad Service Checks\n", len(checks))
			for _, r := range sortedChecks(checks) {
				fmt.Fprintf(m.out, "\n%s\n", checkText(r, verbose))
			}
			return nil
		},
	}
}

// sortedChecks orders checks by service and name.
func sortedChecks(checks map[string]*api.CheckResult) []*api.CheckResult {
	var out []*api.CheckResult
	for _, id := range sortedKeys(checks) {
		out = append(out, checks[id])
	}
	slices.SortStableFunc(out, func(a, b *api.CheckResult) int {
		return strings.Compare(a.Service+"\x00"+a.Check, b.Service+"\x00"+b.Check)
	})
	return out
}

func checkText(r *api.CheckResult, verbose bool) string {
	rows := [][]string{
		{"ID", shortID(r.ID, verbose)},
		{"Name", r.Check},
		{"Group", r.Group},
		{"Task", either(r.Task, "(group)")},
		{"Service", r.Service},
		{"Status", r.Status},
	}
	if r.StatusCode > 0 {
		rows = append(rows, []string{"StatusCode", strconv.Itoa(r.StatusCode)})
	}
	rows = append(rows, []string{"Mode", r.Mode}, []string{"Timestamp", time.Unix(r.Timestamp, 0).Format(time.RFC3339)},
		[]string{"Output", either(strings.TrimSpace(r.Output), blank)})
	return layout(rows, " =  ")
}
