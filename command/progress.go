// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// progress is a block of lines that a terminal shows while something is on its way; it is redrawn in place.
// In a pipe it shows nothing: the plain lines of the monitor say it all.
type progress struct {
	m     *meta
	lines int
	turn  int
}

// spinner turns while something happens.
var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

const (
	// spin is how long one position of the spinner is shown.
	spin = 100 * time.Millisecond
	// barWidth is the length of a progress bar in characters.
	barWidth = 20
)

// bar draws n of of.
func (p *progress) bar(n, of int) string {
	full := barWidth
	if of > 0 {
		full = min(n, of) * barWidth / of
	}
	return p.m.paint(green, strings.Repeat("█", full)) + strings.Repeat("░", barWidth-full)
}

// margin is what stands before the lines of a block.
const margin = "    "

// draw shows the lines in place of the last ones, with a turned spinner before the first.
func (p *progress) draw(lines []string) { p.show(margin, margin+"  ", lines) }

// drawUnder shows the lines in place of the last ones below a title with a turned spinner, as the contract does.
func (p *progress) drawUnder(title string, lines []string) {
	p.show("  ", margin, append([]string{title, ""}, lines...))
}

// show draws the lines, the first one with the spinner and after the first string, the others after the second. They are
// cut at the terminal's width, and the block at its height, because only what is on the screen can be redrawn.
func (p *progress) show(first, others string, lines []string) {
	width, height, ok := p.m.size()
	if !ok || len(lines) == 0 {
		return
	}
	p.turn++
	if room := max(1, height-2); len(lines) > room {
		lines = append(lines[:room-1:room-1], fmt.Sprintf("... and %d more", len(lines)-room+1))
	}
	var b strings.Builder
	p.erase(&b)
	for i, l := range lines {
		before := others
		if i == 0 {
			before = first + spinner[p.turn%len(spinner)] + " "
		}
		b.WriteString(cut(before+l, width) + "\n")
	}
	p.lines = len(lines)
	fmt.Fprint(p.m.out, b.String())
}

func (p *progress) erase(b *strings.Builder) {
	if p.lines > 0 {
		fmt.Fprintf(b, "\x1b[%dA\x1b[J", p.lines)
	}
	p.lines = 0
}

// clear takes the block away.
func (p *progress) clear() {
	var b strings.Builder
	p.erase(&b)
	if b.Len() > 0 {
		fmt.Fprint(p.m.out, b.String())
	}
}

// leave lets the block stand, because it is the last that there is to tell.
func (p *progress) leave() { p.lines = 0 }

// cut shortens a line to a width on the screen; colour codes take none.
func cut(line string, width int) string {
	if width <= 0 {
		return line
	}
	var b strings.Builder
	shown := 0
	for len(line) > 0 {
		if strings.HasPrefix(line, "\x1b[") {
			if end := strings.IndexByte(line, 'm'); end > 0 {
				b.WriteString(line[:end+1])
				line = line[end+1:]
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(line)
		if shown < width {
			b.WriteRune(r)
		}
		shown++
		line = line[n:]
	}
	return b.String()
}
