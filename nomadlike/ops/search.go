// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"iter"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// prefixLimit is the most results a context of a prefix search has (http-api.md 18).
const prefixLimit = 20

// SearchLimits are the settings of the fuzzy search (server.search).
type SearchLimits struct {
	// Disabled refuses fuzzy searches.
	Disabled bool
	// Query is after how many objects that match the search of a context stops, 20 when 0.
	Query int
	// Results is the most results of a context, 100 when 0.
	Results int
	// MinTerm is the shortest text, 2 characters when 0.
	MinTerm int
}

func (l SearchLimits) withDefaults() SearchLimits {
	for _, s := range []struct {
		value *int
		def   int
	}{{&l.Query, 20}, {&l.Results, 100}, {&l.MinTerm, 2}} {
		if *s.value <= 0 {
			*s.value = s.def
		}
	}
	return l
}

// Contexts of searches.
const (
	searchAllocs      = "allocs"
	searchJobs        = "jobs"
	searchNodes       = "nodes"
	searchNodePools   = "node_pools"
	searchEvals       = "evals"
	searchDeployments = "deployment"
	searchPlugins     = "plugins"
	searchVolumes     = "volumes"
	searchScaling     = "scaling_policy"
	searchVars        = "vars"
	searchNamespaces  = "namespaces"
	searchHostVolumes = "host_volumes"
	searchAll         = "all"
)

var searchContexts = []string{
	searchAllocs, searchJobs, searchNodes, searchNodePools, searchEvals, searchDeployments, searchPlugins, searchVolumes,
	searchScaling, searchVars, searchNamespaces, searchHostVolumes,
}

func (e *Env) searchHandlers(set *opset.Set) {
	handleRead(e, set, api.Search, searchPrefix)
	handleRead(e, set, api.SearchFuzzy, e.searchFuzzy)
}

// searchIn returns the contexts that a request names.
func searchIn(context string) ([]string, error) {
	switch {
	case context == searchAll:
		return searchContexts, nil
	case slices.Contains(searchContexts, context):
		return []string{context}, nil
	}
	return nil, refused("context must be one of %v or 'all' for all contexts; got %q", searchContexts, context)
}

func searchPrefix(tx *readTx, r *api.SearchRequest) (*api.SearchResponse, error) {
	contexts, err := searchIn(r.Context)
	if err != nil {
		return nil, err
	}
	resp := &api.SearchResponse{Matches: map[string][]string{}, Truncations: map[string]bool{}}
	for _, c := range contexts {
		ids, ok := idsWith(tx, c, r.Text)
		if !ok {
			continue // Compat: a text that no UUID begins with leaves the context out
		}
		var found []string
		truncated := false
		for id := range ids {
			if truncated = len(found) == prefixLimit; truncated {
				break
			}
			found = append(found, id)
		}
		resp.Matches[c], resp.Truncations[c] = found, truncated
	}
	return resp, nil
}

// idsWith returns the IDs of a context that begin with the prefix, in order; false when they are UUIDs and the
// prefix is none of one.
func idsWith(tx *readTx, context, prefix string) (iter.Seq[string], bool) {
	switch context {
	case searchJobs:
		return jobsWith(tx, prefix), true
	case searchNodePools:
		return keys(state.NodePools.Prefix(tx, prefix), func(p *api.NodePool) string { return p.Name }), true
	case searchNamespaces:
		return keys(state.Namespaces.Prefix(tx, prefix), func(n *api.Namespace) string { return n.Name }), true
	case searchPlugins, searchVolumes, searchHostVolumes, searchVars:
		return func(func(string) bool) {}, true // there are none yet
	}
	uuid, ok := uuidPrefix(prefix)
	if !ok {
		// Compat: the policies stay in the answer.
		return func(func(string) bool) {}, context == searchScaling
	}
	ns := tx.namespace()
	in := func(namespace string) bool { return ns == api.AllNamespaces || namespace == ns }
	switch context {
	case searchAllocs:
		return keysIf(state.Allocs.Prefix(tx, uuid), func(a *api.Allocation) (string, bool) { return a.ID, in(a.Namespace) }), true
	case searchEvals:
		return keysIf(state.Evals.Prefix(tx, uuid), func(v *api.Evaluation) (string, bool) { return v.ID, in(v.Namespace) }), true
	case searchDeployments:
		return keysIf(state.Deployments.Prefix(tx, uuid), func(d *api.Deployment) (string, bool) { return d.ID, in(d.Namespace) }), true
	case searchScaling:
		return keysIf(state.ScalingPolicies.Prefix(tx, uuid), func(p *api.ScalingPolicy) (string, bool) { return p.ID, in(p.Target["Namespace"]) }), true
	default:
		return keys(state.Nodes.Prefix(tx, uuid), func(n *api.Node) string { return n.ID }), true
	}
}

// jobsWith yields the IDs of jobs by namespace and ID.
func jobsWith(tx *readTx, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for ns := range namespacesOf(tx) {
			for j := range state.Jobs.Prefix(tx, ns, prefix) {
				if !yield(j.ID) {
					return
				}
			}
		}
	}
}

// namespacesOf yields the names of the namespaces that a request is about.
func namespacesOf(tx *readTx) iter.Seq[string] {
	ns := tx.namespace()
	if ns != api.AllNamespaces {
		return func(yield func(string) bool) { yield(ns) }
	}
	return keys(state.Namespaces.All(tx), func(n *api.Namespace) string { return n.Name })
}

func keys[T any](rows iter.Seq[*T], key func(*T) string) iter.Seq[string] {
	return keysIf(rows, func(r *T) (string, bool) { return key(r), true })
}

func keysIf[T any](rows iter.Seq[*T], key func(*T) (string, bool)) iter.Seq[string] {
	return func(yield func(string) bool) {
		for r := range rows {
			if k, ok := key(r); ok && !yield(k) {
				return
			}
		}
	}
}

// uuidPrefix returns the beginning of UUIDs that a text means: hyphens count for nothing, and an odd last digit
// is dropped. It is false for what begins no UUID.
func uuidPrefix(text string) (string, bool) {
	digits := strings.ToLower(strings.ReplaceAll(text, "-", ""))
	if len(text)-len(digits) > 4 || len(digits) > 32 || checkHex("", digits) != nil {
		return "", false
	}
	return uuidOf(digits[:len(digits)&^1]), true
}

func (e *Env) searchFuzzy(tx *readTx, r *api.FuzzySearchRequest) (*api.FuzzySearchResponse, error) {
	limits := e.Search.withDefaults()
	if limits.Disabled {
		return nil, refused("fuzzy search is not enabled")
	}
	if len(r.Text) < limits.MinTerm {
		return nil, refused("fuzzy search query must be at least %d characters, got %d", limits.MinTerm, len(r.Text))
	}
	contexts, err := searchIn(r.Context)
	if err != nil {
		return nil, err
	}
	f := newFuzzy(r.Text, limits)
	for _, c := range contexts {
		f.truncated[c] = false
		f.search(tx, c)
	}
	return f.response(), nil
}

// names joins what leads to an object.
func names(parts ...string) []string { return parts }
