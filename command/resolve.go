// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// inNamespace are the options of a read in a namespace, the command's when it is empty.
func inNamespace(ns string) api.ReadOptions {
	return api.ReadOptions{RequestOptions: api.RequestOptions{Namespace: ns}}
}

// writeIn are the options of a write in a namespace, the command's when it is empty.
func writeIn(ns string) api.WriteOptions {
	return api.WriteOptions{RequestOptions: api.RequestOptions{Namespace: ns}}
}

// cleanPrefix makes a UUID prefix that the API takes: at least two characters, an odd digit dropped.
func cleanPrefix(kind, id string) (string, error) {
	if len(id) < 2 {
		return "", fmt.Errorf("%s must contain at least two characters.", kind) //nolint:staticcheck // the contract's text
	}
	if strings.Count(id, "-") < 4 && len(strings.ReplaceAll(id, "-", ""))%2 == 1 {
		id = id[:len(id)-1]
	}
	return strings.TrimSuffix(id, "-"), nil
}

// ambiguous is the error for a prefix that fits several objects, which the table lists.
func ambiguous(m *meta, text string, rows [][]string) error {
	fmt.Fprintf(m.err, "%s\n\n%s\n", m.paint(red, text), columns(rows))
	return exitError(m.spec.status())
}

// findJob finds the one job whose ID is id or starts with it.
func findJob(ctx context.Context, m *meta, c api.Caller, id string) (*api.JobListStub, error) {
	req := &api.JobListRequest{}
	req.Prefix, req.PerPage = id, 20
	jobs, meta, err := api.JobList.Call(ctx, c, req)
	if err != nil {
		return nil, fmt.Errorf("Error querying jobs: %w", err) //nolint:staticcheck // the contract's text
	}
	for _, j := range jobs {
		if j.ID == id {
			return j, nil
		}
	}
	switch len(jobs) {
	case 0:
		return nil, fmt.Errorf("No job(s) with prefix or ID %q found", id) //nolint:staticcheck // the contract's text
	case 1:
		return jobs[0], nil
	}
	text := fmt.Sprintf("Prefix %q matched multiple jobs", id)
	if meta.NextToken != "" {
		text += fmt.Sprintf("; these are the first %d", len(jobs))
	}
	return nil, ambiguous(m, text, jobRows(jobs, false))
}

// findAlloc finds the one allocation whose ID starts with id.
func findAlloc(ctx context.Context, m *meta, c api.Caller, id string) (*api.Allocation, error) {
	prefix, err := cleanPrefix("Alloc ID", id)
	if err != nil {
		return nil, err
	}
	req := &api.AllocListRequest{}
	req.Prefix, req.Namespace = prefix, api.AllNamespaces
	stubs, _, err := api.AllocList.Call(ctx, c, req)
	if err != nil {
		return nil, fmt.Errorf("Error querying allocation: %w", err) //nolint:staticcheck // the contract's text
	}
	switch len(stubs) {
	case 0:
		return nil, fmt.Errorf("No allocation(s) with prefix or id %q found", id) //nolint:staticcheck // the contract's text
	case 1:
		a, _, err := api.AllocGet.Call(ctx, c, &api.AllocRequest{AllocID: stubs[0].ID})
		if err != nil {
			return nil, fmt.Errorf("Error querying allocation: %w", err) //nolint:staticcheck // the contract's text
		}
		return a, nil
	}
	return nil, ambiguous(m, "Prefix matched multiple allocations", m.allocRows(stubs, false))
}

// findEval finds the one evaluation whose ID starts with id.
func findEval(ctx context.Context, m *meta, c api.Caller, id string) (*api.Evaluation, error) {
	prefix, err := cleanPrefix("Identifier", id)
	if err != nil {
		return nil, err
	}
	req := &api.EvalListRequest{}
	req.Prefix, req.Namespace = prefix, api.AllNamespaces
	evals, _, err := api.EvalList.Call(ctx, c, req)
	if err != nil {
		return nil, fmt.Errorf("Error querying evaluation: %w", err) //nolint:staticcheck // the contract's text
	}
	switch len(evals) {
	case 0:
		return nil, fmt.Errorf("No evaluation(s) with prefix or id %q found", id) //nolint:staticcheck // the contract's text
	case 1:
		v, _, err := api.EvalGet.Call(ctx, c, &api.EvalRequest{EvalID: evals[0].ID, Related: true})
		if err != nil {
			return nil, fmt.Errorf("Error querying evaluation: %w", err) //nolint:staticcheck // the contract's text
		}
		return v, nil
	}
	return nil, ambiguous(m, "Prefix matched multiple evaluations", evalRows(evals, false))
}

// findNode finds the one node whose ID starts with id.
func findNode(ctx context.Context, m *meta, c api.Caller, id string) (*api.Node, error) {
	prefix, err := cleanPrefix("Node ID", id)
	if err != nil {
		return nil, err
	}
	req := &api.NodeListRequest{}
	req.Prefix = prefix
	nodes, _, err := api.NodeList.Call(ctx, c, req)
	if err != nil {
		return nil, fmt.Errorf("Error querying node info: %w", err) //nolint:staticcheck // the contract's text
	}
	switch len(nodes) {
	case 0:
		return nil, fmt.Errorf("No node(s) with prefix %q found", id) //nolint:staticcheck // the contract's text
	case 1:
		n, _, err := api.NodeGet.Call(ctx, c, &api.NodeRequest{NodeID: nodes[0].ID})
		if err != nil {
			return nil, fmt.Errorf("Error querying node info: %w", err) //nolint:staticcheck // the contract's text
		}
		return n, nil
	}
	return nil, ambiguous(m, "Prefix matched multiple nodes", nodeRows(nodes, false))
}
