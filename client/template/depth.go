// SPDX-License-Identifier: MPL-2.0

package template

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// The parser and the evaluator of templates recurse, and a Go stack overflow ends the agent. The evaluator stops at 100,000
// calls of templates in each other, but does not count what is nested around each of them.
const (
	maxActions   = 100_000
	maxRecursive = 5 // blocks around a call by which a template comes to call itself
)

// parseText refuses a text that would overflow the stack. What is wrong with it otherwise is said when it is executed: there
// are no trees then.
func parseText(text, left, right string) (map[string]*parse.Tree, error) {
	if left == "" {
		left = "{{"
	}
	if strings.Count(text, left) > maxActions {
		return nil, fmt.Errorf("there are more than %d actions", maxActions)
	}
	tree := parse.New("") // as consul-template names it: it can be called, too
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, left, right, trees); err != nil {
		return nil, nil //nolint:nilerr,nilnil // it is not executed
	}
	calls := map[string][]call{}
	for name, t := range trees {
		calls[name] = findCalls(t.Root, 0, nil)
	}
	for name, list := range calls {
		for _, c := range list {
			if c.depth > maxRecursive && reaches(calls, c.name, name, map[string]bool{}) {
				return nil, fmt.Errorf("template %q calls itself from within more than %d blocks; move some of them to a template of their own", name, maxRecursive)
			}
		}
	}
	return trees, nil
}

// call is a call of a template, with the number of blocks around it.
type call struct {
	name  string
	depth int
}

func findCalls(node parse.Node, depth int, found []call) []call {
	branch := func(b *parse.BranchNode) {
		found = findCalls(b.List, depth+1, found)
		if b.ElseList != nil {
			found = findCalls(b.ElseList, depth+1, found)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, inner := range n.Nodes {
			found = findCalls(inner, depth, found)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.TemplateNode:
		found = append(found, call{n.Name, depth})
	}
	return found
}

// reaches reports whether a template calls another, directly or through others.
func reaches(calls map[string][]call, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, c := range calls[from] {
		if reaches(calls, c.name, to, seen) {
			return true
		}
	}
	return false
}
