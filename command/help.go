// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// Help returns the command's whole help text.
func (c *command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s %s\n\n%s\n", name, c.spec.usage, indent(strings.TrimSpace(c.spec.long), "  "))
	m := c.meta()
	var own, general strings.Builder
	var missing, ignored reasons
	m.flags.VisitAll(func(f *flag.Flag) {
		if r, ok := f.Value.(*refused); ok {
			if r.ignored() {
				ignored.add(r.why, f.Name)
			} else {
				missing.add(r.why, f.Name)
			}
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
	missing.write(&b, "Options that this version refuses")
	ignored.write(&b, "Options that this version reads and that change nothing")
	return strings.TrimRight(b.String(), "\n")
}

// reasons are flags that this version does not act upon, by what is missing.
type reasons map[string][]string

func (r *reasons) add(why, name string) {
	if *r == nil {
		*r = reasons{}
	}
	(*r)[why] = append((*r)[why], "-"+name)
}

// write lists the flags, each reason below those that it belongs to.
func (r reasons) write(b *strings.Builder, heading string) {
	if len(r) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", heading)
	whys := sortedKeys(r)
	slices.SortStableFunc(whys, func(a, b string) int { return strings.Compare(r[a][0], r[b][0]) })
	for _, why := range whys {
		fmt.Fprintf(b, "\n%s\n%s\n", wrap(r[why], ", ", "  ", 100), wrap(strings.Fields(why+"."), " ", "    ", 100))
	}
}

// wrap lays out words in lines of at most width characters, with sep between words.
func wrap(words []string, sep, by string, width int) string {
	lines := []string{""}
	for _, w := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = by + w
		case len(*last)+len(sep)+len(w) <= width:
			*last += sep + w
		default:
			*last += strings.TrimSpace(sep)
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
	text := strings.TrimPrefix(usage, generalMark)
	if standard := defaultText(f); standard != "" && text == usage && !strings.Contains(text, "by default") {
		text += " Default: " + standard + "."
	}
	fmt.Fprintf(b, "\n%s\n", indent(text, "    "))
}

// defaultText shows what counts without a flag; it is empty where that is nothing, no, or no limit.
func defaultText(f *flag.Flag) string {
	if slices.Contains([]string{"", "false", "0", "0s", "-1"}, f.DefValue) {
		return ""
	}
	text, _ := strings.CutSuffix(f.DefValue, "m0s") // of a time such as 1h0m0s or 5m0s
	if text != f.DefValue {
		text = strings.TrimSuffix(text+"m", "h0m")
		if !strings.HasSuffix(text, "m") {
			text += "h"
		}
	}
	return text
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
