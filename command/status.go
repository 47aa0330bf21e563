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

// kinds are the contexts of a search whose objects "status" shows, in the order of ambiguous lists.
var kinds = []struct {
	context, title string
	status         func() *spec
}{
	{"jobs", "Jobs", jobStatusCommand},
	{"evals", "Evaluations", evalStatusCommand},
	{"allocs", "Allocations", allocStatusCommand},
	{"nodes", "Nodes", nodeStatusCommand},
	{"deployment", "Deployments", deploymentStatusCommand},
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
	var exact, partial []string // contexts, once a match
	for _, in := range sortedKeys(resp.Matches) {
		for _, found := range resp.Matches[in] {
			partial = append(partial, in)
			if found == id {
				exact = append(exact, in)
			}
		}
	}
	context := ""
	switch {
	case len(exact) == 1:
		context = exact[0]
	case len(partial) == 1:
		context = partial[0]
	case len(partial) == 0:
		return nil, fmt.Errorf("Unable to resolve ID: %q", id) //nolint:staticcheck // the contract's text
	default:
		return nil, m.manyMatches(resp, id)
	}
	for _, k := range kinds {
		if k.context == context {
			return k.status, nil
		}
	}
	return nil, fmt.Errorf("%q is found among %s, which this version of %s cannot show", id, context, name)
}

// manyMatches lists what an ID may mean.
func (m *meta) manyMatches(resp *api.SearchResponse, id string) error {
	m.complain("Multiple matches found for id %q", id)
	titles := map[string]string{}
	for _, k := range kinds {
		titles[k.context] = k.title
	}
	for _, in := range sortedKeys(resp.Matches) {
		if ids := resp.Matches[in]; len(ids) > 0 {
			more := ""
			if resp.Truncations[in] {
				more = ", ..."
			}
			fmt.Fprintf(m.err, "\n%s:\n%s%s\n", either(titles[in], in), strings.Join(ids, ", "), more)
		}
	}
	return exitError(m.spec.status())
}
