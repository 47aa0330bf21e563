// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// kinds are the contexts of a search whose objects "status" finds, in the order of ambiguous lists; others are
// not looked at.
var kinds = []struct {
	context, title string
	status         func() *spec
}{
	{"jobs", "Jobs", jobStatusCommand},
	{"evals", "Evaluations", evalStatusCommand},
	{"allocs", "Allocations", allocStatusCommand},
	{"nodes", "Nodes", nodeStatusCommand},
	{"deployment", "Deployments", deploymentStatusCommand},
	{"namespaces", "Namespaces", namespaceStatusCommand},
	{"plugins", "Plugins", pluginStatusCommand},
	{"volumes", "Volumes", volumeStatusCommand},
	{"host_volumes", "Host Volumes", volumeStatusCommand},
}

func statusCommand() *spec {
	var (
		verbose bool
		page    webUI
		out     output
	)
	return &spec{
		usage: "status [options] [<id>]", synopsis: "Show whatever has an ID", remote: true, args: atMost(1, "<id>"), completes: completeAll,
		long: `Finds what the ID, or the start of one, belongs to - a job, an allocation, an evaluation, a node and so on - and
shows its status. Without an argument lists the jobs.

Example:

    $ nomadlike status 4fd35a03`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			target := jobStatusCommand
			if len(args) == 1 {
				c, err := m.client()
				if err != nil {
					return err
				}
				if target, err = m.statusOf(ctx, c, args[0]); err != nil {
					return err
				}
			}
			c := &command{streams: m.streams, spec: target()}
			known := c.meta().flags
			var words []string
			m.flags.Visit(func(f *flag.Flag) {
				if known.Lookup(f.Name) != nil {
					words = append(words, "-"+f.Name+"="+f.Value.String())
				}
			})
			if code := c.Run(append(words, args...)); code != 0 {
				return exitError(code)
			}
			return nil
		},
	}
}

// statusOf finds the command that shows what id belongs to.
func (m *meta) statusOf(ctx context.Context, c *client.Client, id string) (func() *spec, error) {
	resp, _, err := api.Search.Call(ctx, c, &api.SearchRequest{Text: id, Context: "all"})
	if err != nil {
		return nil, doing("Error querying search with id", err)
	}
	var exact, partial []func() *spec // once a match
	for _, k := range kinds {
		for _, found := range resp.Matches[k.context] {
			partial = append(partial, k.status)
			if found == id {
				exact = append(exact, k.status)
			}
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(partial) == 1:
		return partial[0], nil
	case len(partial) == 0:
		return nil, fmt.Errorf("Unable to resolve ID: %q", id) //nolint:staticcheck // the contract's text
	}
	return nil, m.manyMatches(resp, id)
}

// manyMatches lists what an ID may mean.
func (m *meta) manyMatches(resp *api.SearchResponse, id string) error {
	m.complain("Multiple matches found for id %q", id)
	for _, k := range kinds {
		if ids := resp.Matches[k.context]; len(ids) > 0 {
			more := ""
			if resp.Truncations[k.context] {
				more = ", ..."
			}
			fmt.Fprintf(m.err, "\n%s:\n%s%s\n", k.title, strings.Join(ids, ", "), more)
		}
	}
	return exitError(m.spec.status())
}
