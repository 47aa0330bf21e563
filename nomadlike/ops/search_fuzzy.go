// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Contexts of matches inside jobs.
const (
	matchGroups   = "groups"
	matchServices = "services"
	matchTasks    = "tasks"
	matchImages   = "images"
	matchCommands = "commands"
	matchClasses  = "classes"
)

// taskSettings are the driver settings that a fuzzy search looks into, by driver.
var taskSettings = map[string]struct{ key, context string }{
	"docker":   {"image", matchImages},
	"podman":   {"image", matchImages},
	"exec":     {"command", matchCommands},
	"raw_exec": {"command", matchCommands},
	"java":     {"class", matchClasses},
}

// fuzzy is one fuzzy search: it looks for a text inside names, whatever the case.
type fuzzy struct {
	text   string
	lower  string
	ascii  bool
	limits SearchLimits
	// hits are the matches by context.
	hits      map[string][]fuzzyHit
	truncated map[string]bool
}

type fuzzyHit struct {
	at    int
	match *api.FuzzyMatch
}

func newFuzzy(text string, limits SearchLimits) *fuzzy {
	f := &fuzzy{text: text, lower: strings.ToLower(text), limits: limits, hits: map[string][]fuzzyHit{}, truncated: map[string]bool{}}
	f.ascii = !strings.ContainsFunc(f.lower, func(r rune) bool { return r >= 0x80 })
	return f
}

// find returns where the text is in a name, -1 when it is not. It allocates nothing for ASCII texts.
func (f *fuzzy) find(name string) int {
	if !f.ascii {
		return strings.Index(strings.ToLower(name), f.lower)
	}
	n := len(f.lower)
	for i := 0; i+n <= len(name); i++ {
		j := 0
		for j < n && lowerByte(name[i+j]) == f.lower[j] {
			j++
		}
		if j == n {
			return i
		}
	}
	return -1
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// try notes a match of a name; scope tells what leads to it.
func (f *fuzzy) try(context, name string, scope func() []string) bool {
	at := f.find(name)
	if at < 0 {
		return false
	}
	f.hits[context] = append(f.hits[context], fuzzyHit{at, &api.FuzzyMatch{ID: name, Scope: scope()}})
	return true
}

// each looks into rows until enough of them match; one that matches beyond that tells only that there are more.
func each[T any](f *fuzzy, context string, rows iter.Seq[*T], matches func(*T) bool) {
	n := 0
	for row := range rows {
		if n < f.limits.Query {
			if matches(row) {
				n++
			}
			continue
		}
		kept := f.hits
		f.hits = map[string][]fuzzyHit{}
		more := matches(row)
		f.hits = kept
		if more {
			f.truncated[context] = true
			return
		}
	}
}

// search looks into a context.
func (f *fuzzy) search(tx *readTx, context string) {
	ns := tx.namespace()
	switch context {
	case searchJobs:
		each(f, context, jobsOf(tx), f.job)
	case searchAllocs:
		each(f, context, state.Allocs.All(tx), func(a *api.Allocation) bool {
			return (ns == api.AllNamespaces || a.Namespace == ns) && f.try(context, a.Name, func() []string { return names(a.Namespace, a.ID) })
		})
	case searchNodes:
		each(f, context, state.Nodes.All(tx), func(n *api.Node) bool {
			return f.try(context, n.Name, func() []string { return names(n.ID) })
		})
	case searchNodePools:
		each(f, context, state.NodePools.All(tx), func(p *api.NodePool) bool {
			return f.try(context, p.Name, func() []string { return names(p.Name) })
		})
	case searchNamespaces:
		each(f, context, state.Namespaces.All(tx), func(n *api.Namespace) bool {
			return f.try(context, n.Name, func() []string { return nil })
		})
	case searchPlugins, searchVars:
	default:
		f.prefix(tx, context)
	}
}

// prefix finds what is matched by the beginning of its ID in this search too.
func (f *fuzzy) prefix(tx *readTx, context string) {
	f.hits[context] = []fuzzyHit{}
	ids, ok := idsWith(tx, context, f.text)
	if !ok {
		return
	}
	for id := range ids {
		if len(f.hits[context]) == f.limits.Query {
			f.truncated[context] = true
			return
		}
		f.hits[context] = append(f.hits[context], fuzzyHit{0, &api.FuzzyMatch{ID: id}})
	}
}

func jobsOf(tx *readTx) iter.Seq[*api.Job] {
	if ns := tx.namespace(); ns != api.AllNamespaces {
		return state.Jobs.Prefix(tx, ns, "")
	}
	return state.Jobs.All(tx)
}

// job looks into a job and everything with a name inside it.
func (f *fuzzy) job(j *api.Job) bool {
	found := f.try(searchJobs, j.Name, func() []string { return names(j.Namespace, j.ID) })
	for _, g := range j.TaskGroups {
		found = f.try(matchGroups, g.Name, func() []string { return names(j.Namespace, j.ID) }) || found
		inGroup := func() []string { return names(j.Namespace, j.ID, g.Name) }
		for _, s := range g.Services {
			found = f.try(matchServices, s.Name, inGroup) || found
		}
		for _, t := range g.Tasks {
			found = f.try(matchTasks, t.Name, inGroup) || found
			inTask := func() []string { return names(j.Namespace, j.ID, g.Name, t.Name) }
			for _, s := range t.Services {
				found = f.try(matchServices, s.Name, inTask) || found
			}
			if setting, ok := taskSettings[t.Driver]; ok {
				if value, ok := t.Config[setting.key].(string); ok {
					found = f.try(setting.context, value, inTask) || found
				}
			}
		}
	}
	return found
}

// response orders the matches by the place of the text in them and cuts them off.
func (f *fuzzy) response() *api.FuzzySearchResponse {
	resp := &api.FuzzySearchResponse{Matches: map[string][]*api.FuzzyMatch{}, Truncations: f.truncated}
	for context, hits := range f.hits {
		slices.SortStableFunc(hits, func(a, b fuzzyHit) int { return cmp.Compare(a.at, b.at) })
		if len(hits) > f.limits.Results {
			hits, f.truncated[context] = hits[:f.limits.Results], true
		}
		list := make([]*api.FuzzyMatch, 0, len(hits))
		for _, h := range hits {
			list = append(list, h.match)
		}
		resp.Matches[context] = list
	}
	return resp
}
