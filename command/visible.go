// SPDX-License-Identifier: MPL-2.0

package command

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible shows what a terminal would obey instead of print, and what turns the direction of text: names of files, events,
// outputs of checks and messages come from tasks, plugins and other users. Lines, tabs and the codes of paint stay.
func visible(s string) string {
	if !strings.ContainsFunc(s, obeyed) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		if n := painted(s); n > 0 {
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || obeyed(r) {
			b.WriteString(strings.Trim(strconv.QuoteToASCII(s[:n]), `"`))
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// oneLine is visible for what begins no line of its own.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(visible(s))
}

// obeyed reports whether a terminal takes a character for a command, or for one that turns the text after it.
func obeyed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// painted is how long the code of paint is that a text begins with, 0 if it does with none.
func painted(s string) int {
	for _, c := range []colour{red, green, yellow, light, bold, plain} {
		if code := c.code(); strings.HasPrefix(s, code) {
			return len(code)
		}
	}
	return 0
}
