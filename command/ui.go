// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func uiCommand() *spec {
	var show bool
	return &spec{
		usage: "ui [options] [<id>]", synopsis: "Open the web interface", remote: true, args: atMost(1, "<id>"), completes: completeAll,
		long: `Opens the agent's web interface in a browser, at the page of what the ID, or the start of one, belongs to.

Example:

    $ nomadlike ui web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&show, "show-url", false, "Print the address and open nothing.")
			refuse(f, noACL+"; leave the flag out", "authenticate")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			page := ""
			if len(args) == 1 {
				var err error
				if page, err = m.pageOf(ctx, c, args[0]); err != nil {
					return err
				}
			}
			link, ok := m.pageURL(page)
			if !ok {
				return fmt.Errorf("the agent at %s has no address that a browser can open", m.address)
			}
			if show {
				fmt.Fprintf(m.out, "URL for web UI: %s\n", link)
				return nil
			}
			fmt.Fprintf(m.out, "Opening URL %q\n", link)
			return openBrowser(link)
		}),
	}
}

// pageOf finds the page of what an ID belongs to.
func (m *meta) pageOf(ctx context.Context, c *client.Client, id string) (string, error) {
	found, _, err := api.Search.Call(ctx, c, &api.SearchRequest{Text: id, Context: "all"})
	if err != nil {
		return "", doing(fmt.Sprintf("Error querying search with id: %q", id), err)
	}
	type match struct{ kind, id string }
	var exact, like []match
	for _, kind := range sortedKeys(found.Matches) {
		for _, at := range found.Matches[kind] {
			if at == id {
				exact = append(exact, match{kind, at})
			}
			like = append(like, match{kind, at})
		}
	}
	if len(exact) == 1 {
		like = exact
	}
	switch len(like) {
	case 0:
		return "", fmt.Errorf("Unable to resolve ID: %q", id) //nolint:staticcheck // the contract's text
	case 1:
		return m.pageOfKind(ctx, c, like[0].kind, like[0].id)
	}
	m.complain("Multiple matches found for id %q", id)
	rows := [][]string{{"Kind", "ID"}}
	for _, at := range like {
		rows = append(rows, []string{at.kind, at.id})
	}
	fmt.Fprintln(m.err, columns(rows))
	return "", exitError(m.spec.status())
}

func (m *meta) pageOfKind(ctx context.Context, c *client.Client, kind, id string) (string, error) {
	switch kind {
	case "jobs":
		if m.namespace != api.AllNamespaces {
			return jobPage(id, m.namespace), nil
		}
		job, err := findJob(ctx, m, c, id) // a search does not tell the namespace
		if err != nil {
			return "", err
		}
		return jobPage(job.ID, job.Namespace), nil
	case "allocs":
		return "allocations/" + id, nil
	case "nodes":
		return "clients/" + id, nil
	case "evals":
		return "evaluations?currentEval=" + url.QueryEscape(id), nil
	case "volumes", "host_volumes":
		return "storage/volumes/" + id, nil
	case "plugins":
		return "storage/plugins/" + id, nil
	}
	return "", errors.New("the web interface has no page for this kind of object: " + kind)
}
