// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
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

// barWidth is the length of a progress bar in characters.
const barWidth = 20

// show draws a bar for each group: how many of its new allocations run.
func (p *progress) show(allocs map[string]*api.AllocListStub) {
	if !p.m.terminal() {
		return
	}
	total, running := map[string]int{}, map[string]int{}
	for _, a := range allocs {
		if a.DesiredStatus != api.AllocDesiredRun {
			continue
		}
		total[a.TaskGroup]++
		if a.ClientStatus != api.AllocClientPending {
			running[a.TaskGroup]++
		}
	}
	p.turn++
	for _, g := range sortedKeys(total) {
		n, of := running[g], total[g]
		full := n * barWidth / of
		bar := p.m.paint(green, strings.Repeat("█", full)) + strings.Repeat("░", barWidth-full)
		fmt.Fprintf(p.m.out, "    %s %s %s %d/%d started\n", spinner[p.turn%len(spinner)], g, bar, n, of)
		p.lines++
	}
}

// clear takes the block away.
func (p *progress) clear() {
	if p.lines > 0 {
		fmt.Fprintf(p.m.out, "\x1b[%dA\x1b[J", p.lines)
		p.lines = 0
	}
}
