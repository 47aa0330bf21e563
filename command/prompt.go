// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ask prints a question and reads the answer, a line. The reader is kept, so that answers that were typed
// ahead are not lost.
func (m *meta) ask(question string) (string, error) {
	fmt.Fprint(m.out, question, " ")
	if m.answers == nil {
		m.answers = bufio.NewReader(m.input)
	}
	line, err := m.answers.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF):
		fmt.Fprintln(m.out)
		err = nil // no answer is one
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(m.out)
		err = exitError(1) // whose signal it was knows
	}
	return strings.TrimSpace(line), err
}

// confirm asks a question that needs an exact "y" (cli.md 1.3).
func (m *meta) confirm(question string) (bool, error) {
	answer, err := m.ask(question)
	switch {
	case err != nil:
		return false, fmt.Errorf("Failed to parse answer: %w", err) //nolint:staticcheck // the contract's text
	case answer == "y":
		return true, nil
	case answer == "" || strings.EqualFold(answer[:1], "n"):
		fmt.Fprintln(m.out, "Cancelled")
		return false, nil
	case strings.EqualFold(answer[:1], "y"):
		fmt.Fprintln(m.out, "For confirmation, an exact 'y' is required.")
		return false, nil
	}
	return false, fmt.Errorf("Failed to parse answer: %q is neither y nor n", answer) //nolint:staticcheck // the contract's text
}
