// SPDX-License-Identifier: MPL-2.0

//go:build unix

package plugins

import (
	"os"
	"os/signal"
	"syscall"
)

// surviveBrokenPipes keeps the process alive when it writes to the standard
// error of a host that has gone: without a handler the Go runtime raises
// SIGPIPE for it. Ignoring the signal would be inherited by tasks, a handler
// is not.
func surviveBrokenPipes() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
