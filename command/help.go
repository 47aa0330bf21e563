// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"fmt"
	"strings"
)

// Help returns the command's whole help text.
func (c *command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s %s\n\n%s\n", name, c.spec.usage, indent(strings.TrimSpace(c.spec.long), "  "))
	m := c.meta()
	var own, general strings.Builder
	var missing []string
	m.flags.VisitAll(func(f *flag.Flag) {
		if _, ok := f.Value.(*refused); ok {
			missing = append(missing, "-"+f.Name)
			return
		}
		out := &own
		if strings.HasPrefix(f.Usage, generalMark) {
			out = &general
		}
		writeFlag(out, f)
	})
	if general.Len() > 0 {
		fmt.Fprintf(&b, "\nGeneral Options:\n%s", general.String())
	}
	if own.Len() > 0 {
		fmt.Fprintf(&b, "\n%s Options:\n%s", title(c.spec.usage), own.String())
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\nOptions that this version refuses:\n\n%s\n", wrap(missing, "  ", 100))
	}
	return strings.TrimRight(b.String(), "\n")
}

// wrap lays out words in lines of at most width characters.
func wrap(words []string, by string, width int) string {
	lines := []string{""}
	for _, w := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = by + w
		case len(*last)+2+len(w) <= width:
			*last += ", " + w
		default:
			*last += ","
			lines = append(lines, by+w)
		}
	}
	return strings.Join(lines, "\n")
}

// firstWords returns the command's words of a usage line.
func firstWords(usage string) string {
	words, _, _ := strings.Cut(usage, " [")
	words, _, _ = strings.Cut(words, " <")
	return words
}

// title makes "Job Run" of "job run [options] <path>".
func title(usage string) string {
	var words []string
	for w := range strings.FieldsSeq(usage) {
		if strings.ContainsAny(w, "[<") {
			break
		}
		words = append(words, strings.ToUpper(w[:1])+w[1:])
	}
	return strings.Join(words, " ")
}

func writeFlag(b *strings.Builder, f *flag.Flag) {
	name, usage := flag.UnquoteUsage(f)
	fmt.Fprintf(b, "\n  -%s", f.Name)
	if name != "" {
		fmt.Fprintf(b, "=<%s>", name)
	}
	fmt.Fprintf(b, "\n%s\n", indent(strings.TrimPrefix(usage, generalMark), "    "))
}

func indent(s, by string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n")
}

// generalMark starts the usage of a general flag, so that help can tell them apart.
const generalMark = "\x00"
