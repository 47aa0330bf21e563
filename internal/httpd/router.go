// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// router matches decoded paths against patterns whose segments are literals, {name} for one segment or
// {name...} for one or more. Job IDs may hold slashes, so a {name...} can stand before literals: the
// pattern with the most literal segments that fits wins, as the contract says (the end of the path
// decides, everything before it is the ID).
type router struct {
	// byFirst holds patterns by their second literal segment ("job" of /v1/job/...), for speed.
	byFirst map[string][]*pattern
}

type pattern struct {
	text     string
	segments []segment
	literals int
	greedy   bool
	byMethod map[string]*target // "" for any method
}

type segment struct {
	literal string
	param   string
	greedy  bool
}

func newRouter() *router { return &router{byFirst: map[string][]*pattern{}} }

func split(p string) []string { return strings.Split(strings.TrimPrefix(p, "/"), "/") }

func firstKey(segs []string) string {
	if len(segs) < 2 {
		return strings.Join(segs, "/")
	}
	return segs[0] + "/" + segs[1]
}

// add mounts t; methods empty means any. It panics when the route is taken.
func (r *router) add(methods []string, text string, t *target) {
	segs := split(text)
	key := firstKey(segs)
	p := r.find(key, text)
	if p == nil {
		p = &pattern{text: text, byMethod: map[string]*target{}}
		for _, s := range segs {
			seg := segment{literal: s}
			if strings.HasPrefix(s, "{") {
				name := strings.Trim(s, "{}")
				seg = segment{param: strings.TrimSuffix(name, "..."), greedy: strings.HasSuffix(name, "...")}
				p.greedy = p.greedy || seg.greedy
			} else {
				p.literals++
			}
			p.segments = append(p.segments, seg)
		}
		list := slices.Concat(r.byFirst[key], []*pattern{p})
		sort.SliceStable(list, func(i, j int) bool { return list[i].literals > list[j].literals })
		r.byFirst[key] = list
	}
	if len(methods) == 0 {
		methods = []string{""}
	}
	for _, m := range methods {
		if p.byMethod[m] != nil {
			panic(fmt.Sprintf("httpd: route %s %s mounted twice", m, text))
		}
		p.byMethod[m] = t
	}
}

func (r *router) find(key, text string) *pattern {
	shape := shapeOf(text)
	for _, p := range r.byFirst[key] {
		if shapeOf(p.text) == shape {
			return p
		}
	}
	return nil
}

// shapeOf replaces parameter names, so that {job_id...} and {id...} are one route.
func shapeOf(text string) string {
	segs := split(text)
	for i, s := range segs {
		switch {
		case strings.HasSuffix(s, "...}"):
			segs[i] = "{...}"
		case strings.HasPrefix(s, "{"):
			segs[i] = "{}"
		}
	}
	return strings.Join(segs, "/")
}

// match returns the target of the path; found without a target means the method is wrong.
func (r *router) match(method, path string) (t *target, params map[string]string, found bool) {
	segs := split(path)
	for _, p := range r.byFirst[firstKey(segs)] {
		params, ok := p.match(segs)
		if !ok {
			continue
		}
		found = true
		if t := p.byMethod[method]; t != nil {
			return t, params, true
		}
		if t := p.byMethod[""]; t != nil {
			return t, params, true
		}
		if !p.greedy || p.segments[len(p.segments)-1].literal != "" {
			return nil, nil, true
		}
	}
	return nil, nil, found
}

func (p *pattern) match(segs []string) (map[string]string, bool) {
	if !p.greedy && len(segs) != len(p.segments) || len(segs) < len(p.segments) {
		return nil, false
	}
	var params map[string]string
	set := func(k, v string) {
		if params == nil {
			params = make(map[string]string, 2)
		}
		params[k] = v
	}
	extra := len(segs) - len(p.segments)
	i := 0
	for _, s := range p.segments {
		switch {
		case s.greedy:
			v := strings.Join(segs[i:i+1+extra], "/")
			if v == "" || slices.Contains(segs[i:i+1+extra], "") {
				return nil, false
			}
			set(s.param, v)
			i += 1 + extra
		case s.param != "":
			if segs[i] == "" {
				return nil, false
			}
			set(s.param, segs[i])
			i++
		default:
			if segs[i] != s.literal {
				return nil, false
			}
			i++
		}
	}
	return params, true
}
