// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// TestScriptError: an event tells why a change script has failed, from whichever output it said it on.
func TestScriptError(t *testing.T) {
	exited := func(code int, stdout, stderr string) *drivers.ExecResult {
		return &drivers.ExecResult{Stdout: []byte(stdout), Stderr: []byte(stderr), Exit: &drivers.ExitResult{ExitCode: code}}
	}
	for _, test := range []struct {
		result *drivers.ExecResult
		err    error
		want   string
	}{
		{exited(0, "ok", "note"), nil, "<nil>"},
		{exited(3, "", ""), nil, "Exit Code: 3"},
		{exited(3, "all\nof it\n", ""), nil, "Exit Code: 3: all"},
		{exited(3, "output\n", "\nerror\n"), nil, "Exit Code: 3: error"},
		{nil, fmt.Errorf("run command: %w", context.DeadlineExceeded), "it did not end within its timeout"},
		{nil, errors.New("gone"), "gone"},
	} {
		if got := fmt.Sprint(scriptError(test.result, test.err)); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
