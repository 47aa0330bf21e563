// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
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
	return findJobOf(ctx, m, c, id, "", func(*api.JobListStub) bool { return true })
}

// findJobOf finds the one job of a kind ("periodic ") whose ID is id or starts with it.
func findJobOf(ctx context.Context, m *meta, c api.Caller, id, kind string, fits func(*api.JobListStub) bool) (*api.JobListStub, error) {
	req := &api.JobListRequest{}
	req.Prefix, req.PerPage = id, 20
	jobs, meta, err := api.JobList.Call(ctx, c, req)
	if err != nil {
		return nil, doing("Error querying jobs", err)
	}
	jobs = slices.DeleteFunc(jobs, func(j *api.JobListStub) bool { return !fits(j) })
	exact := slices.DeleteFunc(slices.Clone(jobs), func(j *api.JobListStub) bool { return j.ID != id })
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(jobs) == 0:
		return nil, fmt.Errorf("No %sjob(s) with prefix or ID %q found", kind, id) //nolint:staticcheck // the contract's text
	case len(jobs) == 1:
		return jobs[0], nil
	}
	text := fmt.Sprintf("Prefix %q matched multiple %sjobs", id, kind)
	if meta.NextToken != "" {
		text += fmt.Sprintf("; these are the first %d", req.PerPage)
	}
	return nil, ambiguous(m, text, jobRows(jobs, m.namespace == api.AllNamespaces))
}

// oneJob returns a client and the job that an argument names.
func (m *meta) oneJob(ctx context.Context, id string) (*client.Client, *api.JobListStub, error) {
	c, err := m.client()
	if err != nil {
		return nil, nil, err
	}
	j, err := findJob(ctx, m, c, id)
	return c, j, err
}

// findDeployment finds the one deployment whose ID starts with id.
func findDeployment(ctx context.Context, m *meta, c api.Caller, id string) (*api.Deployment, error) {
	prefix, err := cleanPrefix("Identifier", id)
	if err != nil {
		return nil, err
	}
	req := &api.DeploymentListRequest{}
	req.Prefix, req.Namespace = prefix, api.AllNamespaces
	list, _, err := api.DeploymentList.Call(ctx, c, req)
	if err != nil {
		return nil, doing("Error retrieving deployment", err)
	}
	switch len(list) {
	case 0:
		return nil, fmt.Errorf("Deployment ID %q matched no deployments", id) //nolint:staticcheck // the contract's text
	case 1:
		return list[0], nil
	}
	return nil, ambiguous(m, "Prefix matched multiple deployments", deploymentRows(list, false))
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

// oneAlloc returns a client and the allocation that an argument names.
func (m *meta) oneAlloc(ctx context.Context, id string) (*client.Client, *api.Allocation, error) {
	c, err := m.client()
	if err != nil {
		return nil, nil, err
	}
	a, err := findAlloc(ctx, m, c, id)
	return c, a, err
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
		v, _, err := api.EvalGet.Call(ctx, c, &api.EvalRequest{EvalID: evals[0].ID, Related: true, Explain: true})
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
	return nil, ambiguous(m, "Prefix matched multiple nodes", nodeRows(nodes, nodeColumns{pool: true}))
}
