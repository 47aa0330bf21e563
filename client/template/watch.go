// SPDX-License-Identifier: MPL-2.0

package template

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// The functions of a guard. nameText counts text that follows, 0 bytes where only the time is looked at; nameOut counts
// what is printed; namePass looks at a value that goes from one function to another, nameKeep at one that a variable keeps.
const (
	nameText = "_text"
	nameOut  = "_out"
	namePass = "_pass"
	nameKeep = "_keep"
)

// watched is the text of a template with calls of a guard in it: the evaluator itself cannot be stopped, and writes
// where consul-template wants. The lines are those of the original.
type watched struct {
	text string
	// names are the functions that the original uses.
	names map[string]bool
	added []addition
}

// addition is what comes at a place of the original.
type addition struct {
	at   int
	text string
}

// watch adds the calls to a text that was parsed. A rendering can only end at them, so that they are wherever it
// repeats itself and between all functions.
func watch(text, left, right string, trees map[string]*parse.Tree) *watched {
	s := &scan{
		watched: watched{names: map[string]bool{}}, original: text,
		left: cmp.Or(left, "{{"), right: cmp.Or(right, "}}"),
	}
	for _, t := range trees {
		s.list(t.Root)
	}
	// What is added at one place keeps its order.
	slices.SortStableFunc(s.added, func(a, b addition) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	last := 0
	for _, a := range s.added {
		out.WriteString(text[last:a.at])
		out.WriteString(a.text)
		last = a.at
	}
	out.WriteString(text[last:])
	s.text = out.String()
	return &s.watched
}

type scan struct {
	watched
	original, left, right string
}

func (s *scan) add(at int, text string) { s.added = append(s.added, addition{at, text}) }

func (s *scan) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			s.add(int(n.Pos), fmt.Sprint(s.left, nameText, " ", len(n.Text), s.right))
		case *parse.ActionNode:
			s.pipe(n.Pipe, nameOut)
		case *parse.IfNode:
			s.branch(&n.BranchNode, namePass)
		case *parse.WithNode:
			s.branch(&n.BranchNode, nameKeep)
		case *parse.RangeNode:
			s.branch(&n.BranchNode, nameKeep)
			s.tick(int(n.Pipe.Pos))
		case *parse.TemplateNode:
			s.pipe(n.Pipe, nameKeep)
			s.tick(int(n.Pos))
		}
	}
}

func (s *scan) branch(b *parse.BranchNode, last string) {
	s.pipe(b.Pipe, last)
	s.list(b.List)
	s.list(b.ElseList)
}

// tick adds a look at the time behind an action.
func (s *scan) tick(pos int) {
	end, trims := s.end(pos)
	if end += len(s.right); trims {
		s.add(end+len(" -"), s.left+nameText+" 0 -"+s.right)
		return
	}
	s.add(end, s.left+nameText+" 0"+s.right)
}

// pipe adds the calls within a pipeline, and one at its end.
func (s *scan) pipe(p *parse.PipeNode, last string) {
	if p == nil {
		return
	}
	calls := false
	for i, cmd := range p.Cmds {
		if i > 0 {
			s.add(int(cmd.Pos), namePass+" | ")
		}
		for _, arg := range cmd.Args {
			calls = s.arg(arg) || calls
		}
	}
	if len(p.Decl) > 0 {
		last = nameKeep
	}
	if calls || last == nameOut {
		end, _ := s.end(int(p.Pos))
		s.add(end, " | "+last)
	}
}

// arg adds the calls within an argument; it reports whether that, too, is one.
func (s *scan) arg(node parse.Node) bool {
	switch n := node.(type) {
	case *parse.IdentifierNode:
		s.names[n.Ident] = true
		return true
	case *parse.ChainNode:
		return s.arg(n.Node)
	case *parse.PipeNode:
		s.pipe(n, namePass)
		return true
	}
	return false
}

// end finds where the pipeline at a position ends, and whether space behind its action is trimmed.
func (s *scan) end(pos int) (end int, trims bool) {
	const spaces = " \t\r\n"
	depth := 0
	for i := pos; i < len(s.original); i++ {
		rest := s.original[i:]
		switch c := rest[0]; {
		case strings.ContainsRune(spaces, rune(c)) && strings.HasPrefix(rest[1:], "-"+s.right):
			return i, true
		case strings.HasPrefix(rest, s.right):
			return i, false
		case c == '`':
			i += 1 + strings.IndexByte(rest[1:], c)
		case c == '"' || c == '\'':
			for i++; i < len(s.original) && s.original[i] != c; i++ {
				if s.original[i] == '\\' {
					i++
				}
			}
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return i, false
			}
		}
	}
	return len(s.original), false
}

// placePattern is where the evaluator says that an error is.
var placePattern = regexp.MustCompile(`template: :(\d+):(\d+): `)

// addedCalls are those that errors show with what they are about.
var addedCalls = strings.NewReplacer(namePass+" | ", "", " | "+namePass, "", " | "+nameOut, "", " | "+nameKeep, "")

// addedPlace is where the evaluator says that an error is when the last it has looked at is an added call.
var addedPlace = regexp.MustCompile(`(template: :\d+):\d+: (executing "[^"]*") at <(?:` + nameText + `|` + nameOut + `|` + namePass + `|` + nameKeep + `)[^>]*>`)

// explain gives the places in the text of an error as they are in the original.
func (w *watched) explain(original, text string) string {
	text = addedPlace.ReplaceAllString(addedCalls.Replace(text), "$1: $2")
	at := placePattern.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	line, _ := strconv.Atoi(text[at[2]:at[3]])
	column, _ := strconv.Atoi(text[at[4]:at[5]])
	start := 0
	for range line - 1 {
		start += strings.IndexByte(original[start:], '\n') + 1
	}
	moved := 0
	for _, a := range w.added {
		if a.at >= start && a.at-start+moved < column {
			moved += len(a.text)
		}
	}
	return text[:at[4]] + strconv.Itoa(column-moved) + text[at[5]:]
}
