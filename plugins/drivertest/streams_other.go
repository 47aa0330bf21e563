// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package drivertest

import (
	"context"
	"os"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// makeStreams sends the output of a task to the null device: named pipes are
// made by the host's own code, which this package does not depend on.
func makeStreams(_ testing.TB, task *drivers.TaskConfig) {
	task.StdoutPath, task.StderrPath = os.DevNull, os.DevNull
}

// streamsReadable says that expectOutput works on this system.
const streamsReadable = false

// expectOutput is not reached on this system.
func expectOutput(context.Context, testing.TB, string, string) {}

func tempDir(t testing.TB) string { return t.TempDir() }
