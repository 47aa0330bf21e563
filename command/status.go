// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func statusCommand() *spec {
	var (
		verbose bool
		out     output
	)
	return &spec{
		usage: "status [options] [<id>]", synopsis: "Show whatever has an ID", remote: true, args: atMost(1, "<id>"),
		long: `Finds what the ID, or the start of one, belongs to - a job, an allocation, an evaluation or a node - and shows
its status. Without an argument lists the jobs.

Example:

    $ nomadlike status 4fd35a03`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
			refuse(f, "ui")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			kind := "job status"
			if len(args) == 1 {
				var err error
				if kind, err = m.kindOf(ctx, args[0]); err != nil {
					return err
				}
			}
			words := strings.Fields(kind)
			m.flags.Visit(func(f *flag.Flag) { words = append(words, "-"+f.Name+"="+f.Value.String()) })
			if code := runCommand(append(words, args...), m.streams); code != 0 {
				return exitError(code)
			}
			return nil
		},
	}
}

// kindOf finds the command that shows what id belongs to.
func (m *meta) kindOf(ctx context.Context, id string) (string, error) {
	c, err := m.client()
	if err != nil {
		return "", err
	}
	matches := map[string][]string{}
	exact := ""
	note := func(command, found string) {
		if found == id {
			exact = command
		}
		matches[command] = append(matches[command], found)
	}
	jobs := &api.JobListRequest{}
	jobs.Prefix, jobs.PerPage = id, 20
	list, _, err := api.JobList.Call(ctx, c, jobs)
	if err != nil {
		return "", fmt.Errorf("Error querying search with id: %w", err) //nolint:staticcheck // the contract's text
	}
	for _, j := range list {
		note("job status", j.ID)
	}
	if prefix, err := cleanPrefix("ID", id); err == nil && isHex(prefix) {
		allocs, evals, nodes := &api.AllocListRequest{}, &api.EvalListRequest{}, &api.NodeListRequest{}
		allocs.Prefix, evals.Prefix, nodes.Prefix = prefix, prefix, prefix
		allocs.PerPage, evals.PerPage, nodes.PerPage = 20, 20, 20
		allocs.Namespace, evals.Namespace = api.AllNamespaces, api.AllNamespaces
		if found, _, err := api.AllocList.Call(ctx, c, allocs); err == nil {
			for _, a := range found {
				note("alloc status", a.ID)
			}
		}
		if found, _, err := api.EvalList.Call(ctx, c, evals); err == nil {
			for _, v := range found {
				note("eval status", v.ID)
			}
		}
		if found, _, err := api.NodeList.Call(ctx, c, nodes); err == nil {
			for _, n := range found {
				note("node status", n.ID)
			}
		}
	}
	total := 0
	for _, ids := range matches {
		total += len(ids)
	}
	switch {
	case exact != "":
		return exact, nil
	case total == 0:
		return "", fmt.Errorf("Unable to resolve ID: %q", id) //nolint:staticcheck // the contract's text
	case total == 1:
		return sortedKeys(matches)[0], nil
	}
	fmt.Fprintf(m.err, "Multiple matches found for id %q\n", id)
	for _, k := range sortedKeys(matches) {
		fmt.Fprintf(m.err, "\n%ss:\n%s\n", strings.TrimSuffix(k, " status"), strings.Join(matches[k], ", "))
	}
	return "", exitError(1)
}

func isHex(s string) bool {
	return strings.Trim(strings.ToLower(s), "0123456789abcdef-") == ""
}
