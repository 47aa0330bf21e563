// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/cli"
)

// noCommand prints what is wrong with a word, what may be meant, and the help of the words before it.
func noCommand(table map[string]cli.CommandFactory, group, word string, s streams) int {
	at := strings.TrimSpace(group + " " + word)
	fmt.Fprintf(s.err, "%s has no command %q.", name, at)
	near := nearest(word, below(table, group))
	if group == "" {
		for _, n := range sortedKeys(table) {
			if strings.HasSuffix(n, " "+word) && len(near) < 3 {
				near = append(near, n)
			}
		}
	}
	if len(near) > 0 {
		for i, n := range near {
			near[i] = fmt.Sprintf("%q", strings.Join(strings.Fields(name+" "+group+" "+n), " "))
		}
		fmt.Fprintf(s.err, " Did you mean %s?", strings.Join(near, " or "))
	}
	fmt.Fprint(s.err, "\n\n")
	if group == "" {
		fmt.Fprintln(s.err, rootHelp(table))
		return 127
	}
	fmt.Fprintln(s.err, groupHelp(table, group))
	return 1
}

// below returns the words that may follow a group's words.
func below(table map[string]cli.CommandFactory, group string) []string {
	var out []string
	for _, n := range sortedKeys(table) {
		rest := n
		if group != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(n, group+" "); !ok {
				continue
			}
		}
		if rest != "" && !strings.Contains(rest, " ") {
			out = append(out, rest)
		}
	}
	return out
}

// groupHelp is the help of a word that only holds other commands.
func groupHelp(table map[string]cli.CommandFactory, group string) string {
	c, err := table[group]()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nSubcommands:\n", c.Help())
	names, width := below(table, group), 0
	for _, n := range names {
		width = max(width, len(n))
	}
	for _, n := range names {
		if sub, err := table[group+" "+n](); err == nil {
			fmt.Fprintf(&b, "    %-*s    %s\n", width, n, sub.Synopsis())
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// nearest returns the words that a mistyped one may stand for, the most likely first, three at most.
func nearest(word string, among []string) []string {
	type candidate struct {
		word string
		far  int
	}
	var found []candidate
	for _, w := range among {
		far := distance(word, w)
		if strings.HasPrefix(w, word) && len(word) > 1 {
			far = 1
		}
		if far <= max(1, len(w)/3) {
			found = append(found, candidate{w, far})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.far - b.far })
	var out []string
	for _, c := range found[:min(3, len(found))] {
		out = append(out, c.word)
	}
	return out
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
