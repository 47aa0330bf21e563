// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// listFlags choose what of a list is shown.
type listFlags struct {
	filter, token string
	perPage       int
}

// register adds -filter, for lists that have no pages.
func (l *listFlags) register(f *flag.FlagSet) {
	f.StringVar(&l.filter, "filter", "", "Only those that the `expression` selects.")
}

// paging adds the flags of lists that can be cut into pages.
func (l *listFlags) paging(f *flag.FlagSet) {
	f.IntVar(&l.perPage, "per-page", 0, "Show `n` at a time.")
	f.StringVar(&l.token, "page-token", "", "Start at the page that the `token` of the page before names.")
}

// apply sets the options of a request.
func (l *listFlags) apply(o *api.ReadOptions) {
	o.Filter, o.PerPage, o.NextToken = l.filter, l.perPage, l.token
}

// nextPage says how to go on where a list was cut.
func (m *meta) nextPage(token string) {
	if token == "" {
		return
	}
	var line strings.Builder
	line.WriteString(name + " " + firstWords(m.spec.usage))
	line.WriteString(m.flagsGiven("page-token"))
	line.WriteString(" -page-token " + shellQuote(token))
	for _, a := range m.flags.Args() {
		line.WriteString(" " + shellQuote(a))
	}
	fmt.Fprintf(m.out, "\nResults have been paginated. To get the next page run:\n\n%s\n", line.String())
}

// flagsGiven returns the flags of the command line, for one like it, without the token and those to leave out.
func (m *meta) flagsGiven(leaveOut ...string) string {
	var line strings.Builder
	m.flags.Visit(func(f *flag.Flag) {
		b, boolean := f.Value.(interface{ IsBoolFlag() bool })
		switch {
		case f.Name == "token" || slices.Contains(leaveOut, f.Name):
		case boolean && b.IsBoolFlag() && f.Value.String() == "true":
			line.WriteString(" -" + f.Name)
		case boolean && b.IsBoolFlag():
			fmt.Fprintf(&line, " -%s=%s", f.Name, f.Value)
		default:
			fmt.Fprintf(&line, " -%s %s", f.Name, shellQuote(f.Value.String()))
		}
	})
	return line.String()
}
