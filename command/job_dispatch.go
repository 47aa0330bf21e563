// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// dispatchWait is how long -wait waits for a dispatched job to end.
const dispatchWait = 5 * time.Minute

// maxPayload is more than any server takes; larger inputs are not read to the end.
const maxPayload = 1 << 20

func jobDispatchCommand() *spec {
	var (
		metas                 stringList
		token, template       string
		priority              int
		detach, wait, verbose bool
		page                  webUI
	)
	return &spec{
		usage: "job dispatch [options] <job> [<input>]", synopsis: "Launch a parameterized job", remote: true,
		args: between(1, 2, "<job> [<input>]"), completes: completeJobs,
		long: `Launches a child of the parameterized job. Its payload is read from the file <input>, from standard input for
"-".

Exit status: 0 when everything was placed, 1 on errors, 2 when allocations could not be placed. With -wait: 0
when the job ended well, 1 when it did not end within 5 minutes, 2 when a group failed.

Example:

    $ nomadlike job dispatch -meta who=me transcode video.json`,
		flags: func(f *flag.FlagSet) {
			f.Var(&metas, "meta", "A `key=value` for the child; repeatable.")
			f.BoolVar(&detach, "detach", false, "Return once the child is registered.")
			f.StringVar(&token, "idempotency-token", "", "With a `token` a second dispatch returns the child of the first.")
			f.StringVar(&template, "id-prefix-template", "", "A `prefix` within the child's ID.")
			f.IntVar(&priority, "priority", 0, "Priority `n` of the child; the parent's by default.")
			f.BoolVar(&wait, "wait", false, "Wait until the child has ended.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			values, err := parsePairs(metas)
			if err != nil {
				return err
			}
			var payload []byte
			if len(args) == 2 {
				if payload, err = readPayload(m, args[1]); err != nil {
					return doing(fmt.Sprintf("Error reading input data from %q", args[1]), err)
				}
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			stub, err := findJobOf(ctx, m, c, args[0], "parameterized ", isTemplate)
			if err != nil {
				return err
			}
			resp, _, err := api.JobDispatch.Call(ctx, c, &api.JobDispatchRequest{
				WriteOptions: writeIn(stub.Namespace), PathID: stub.ID, JobID: stub.ID, Payload: payload, Meta: values,
				IdPrefixTemplate: template, Priority: priority, QueryToken: token,
			})
			if err != nil {
				return doing("Failed to dispatch job", err)
			}
			kv := []string{"Dispatched Job ID", resp.DispatchedJobID}
			if resp.EvalID != "" {
				kv = append(kv, "Evaluation ID", shortID(resp.EvalID, verbose))
			}
			fmt.Fprintln(m.out, pairs(kv...))
			if !detach && resp.EvalID != "" {
				fmt.Fprintln(m.out)
				if err := newMonitor(m, c, verbose).follow(ctx, resp.EvalID); err != nil {
					return err
				}
			}
			if wait {
				if err := m.awaitJob(ctx, c, stub.Namespace, resp.DispatchedJobID); err != nil {
					return err
				}
			}
			m.hint(ctx, c, &page, "View this job", jobPage(resp.DispatchedJobID, stub.Namespace))
			return nil
		},
	}
}

// parsePairs makes a map of key=value words.
func parsePairs(words []string) (map[string]string, error) {
	out := map[string]string{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("Error parsing key/value pair %q: want key=value", w) //nolint:staticcheck // like the contract's texts
		}
		out[k] = v
	}
	return out, nil
}

func readPayload(m *meta, path string) ([]byte, error) {
	in := m.input
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPayload+1))
	if err == nil && len(data) > maxPayload {
		err = fmt.Errorf("it is larger than %d bytes", maxPayload)
	}
	return data, err
}

// awaitJob shows the progress of a job's groups until the job is dead. Status 2 means that a group failed.
func (m *meta) awaitJob(ctx context.Context, c *client.Client, namespace, id string) error {
	o := newMonitor(m, c, false)
	defer o.live.clear()
	ctx, cancel := context.WithTimeout(ctx, dispatchWait)
	defer cancel()
	o.head("Waiting for job %q to end", id)
	req := &api.JobRequest{ReadOptions: inNamespace(namespace), JobID: id}
	shown := ""
	for {
		sum, meta, err := api.JobSummaryGet.Call(ctx, c, req)
		var job *api.Job
		if err == nil {
			job, _, err = api.JobGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(namespace), JobID: id})
		}
		if err != nil || ctx.Err() != nil {
			o.live.leave()
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return exitError(1)
		case ctx.Err() != nil:
			return fmt.Errorf("Job %q did not end within %s", id, dispatchWait) //nolint:staticcheck // like the contract's texts
		case err != nil:
			return doing("Error querying job summary", err)
		}
		if text := columns(waitRows(sum)); text != shown {
			shown = text
			if m.terminal() && job.Status != api.JobStatusDead {
				o.live.draw(strings.Split(text, "\n"))
			} else {
				o.live.clear()
				fmt.Fprintf(m.out, "    \n%s\n%s\n", o.stamp(), text)
			}
		}
		if job.Status == api.JobStatusDead {
			o.head("Job %q is %q", id, job.Status)
			for _, g := range sum.Summary {
				if g.Failed > 0 || g.Lost > 0 {
					return exitError(2)
				}
			}
			return nil
		}
		req.MinIndex, req.MaxWait = meta.Index, monitorPoll
	}
}

func waitRows(sum *api.JobSummary) [][]string {
	rows := [][]string{{"Task Group", "Queued", "Starting", "Running", "Failed", "Complete", "Lost"}}
	for _, g := range sortedKeys(sum.Summary) {
		c := sum.Summary[g]
		row := []string{g}
		for _, n := range []int{c.Queued, c.Starting, c.Running, c.Failed, c.Complete, c.Lost} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return rows
}
