// SPDX-License-Identifier: MPL-2.0

package command

import (
	"io"
	"os"

	"golang.org/x/term"
)

// colour is an SGR code.
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	light  colour = "93" // light yellow
	bold   colour = "1"
	plain  colour = "0" // ends the others
)

func (c colour) code() string { return "\x1b[" + string(c) + "m" }

// coloured says whether standard output takes colours.
func (m *meta) coloured() bool {
	switch {
	case m.noColor:
		return false
	case m.forceColor:
		return true
	}
	return os.Getenv("NO_COLOR") == "" && m.terminal()
}

// screen is what a terminal is besides a writer.
type screen interface {
	io.Writer
	// Size returns the width and height in characters.
	Size() (width, height int)
}

// size returns the width and height of the terminal that standard output is; ok is false when it is none. Terminals that
// do not know, such as those of containers that nobody looks at, count as 80 by 24.
func (m *meta) size() (width, height int, ok bool) {
	switch out := m.out.(type) {
	case screen:
		width, height = out.Size()
	case *os.File:
		if !term.IsTerminal(int(out.Fd())) {
			return 0, 0, false
		}
		var err error
		if width, height, err = term.GetSize(int(out.Fd())); err != nil {
			width, height = 0, 0
		}
	default:
		return 0, 0, false
	}
	if width <= 0 || height <= 0 {
		return 80, 24, true
	}
	return width, height, true
}

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	switch s := stream.(type) {
	case screen:
		return true
	case *os.File:
		return term.IsTerminal(int(s.Fd()))
	}
	return false
}

// isPiped reports whether something may come from the stream that nobody types: what a scheduler of scripts
// gives them, /dev/null, holds nothing.
func isPiped(stream any) bool {
	if f, ok := stream.(*os.File); ok {
		info, err := f.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice == 0
	}
	return !isTerminal(stream)
}

// terminal says whether standard output is a terminal.
func (m *meta) terminal() bool {
	_, _, ok := m.size()
	return ok
}

func (m *meta) paint(c colour, s string) string {
	s = visible(s)
	if !m.coloured() {
		return s
	}
	return c.code() + s + plain.code()
}
