// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

func jobScalingEventsCommand() *spec {
	var verbose bool
	return &spec{
		usage: "job scaling-events [options] <job>", synopsis: "List what scaled a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: "Lists the latest scaling events of the job's groups, newest first.\n\nExample:\n\n    $ nomadlike job scaling-events -verbose web",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show errors, messages and evaluations too.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			status, _, err := api.JobScaleStatusGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error listing scaling events", err)
			}
			rows := scalingEventRows(status, verbose)
			if len(rows) == 1 {
				fmt.Fprintln(m.out, "No events found")
				return nil
			}
			fmt.Fprintln(m.out, columns(rows))
			return nil
		},
	}
}

func scalingEventRows(status *api.JobScaleStatus, verbose bool) [][]string {
	type event struct {
		group string
		*api.ScalingEvent
	}
	var events []event
	for _, g := range sortedKeys(status.TaskGroups) {
		for _, e := range status.TaskGroups[g].Events {
			events = append(events, event{g, e})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(b.Time, a.Time) })
	head := []string{"Task Group", "Count", "PrevCount"}
	if verbose {
		head = append(head, "Error", "Message", "Eval ID")
	}
	rows := [][]string{append(head, "Date")}
	for _, e := range events {
		count := ""
		if e.Count != nil {
			count = strconv.FormatInt(*e.Count, 10)
		}
		row := []string{e.group, count, strconv.Itoa(e.PreviousCount)}
		if verbose {
			row = append(row, strconv.FormatBool(e.Error), e.Message, api.Val(e.EvalID))
		}
		rows = append(rows, append(row, absolute(e.Time)))
	}
	return rows
}
