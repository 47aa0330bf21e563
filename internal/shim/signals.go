// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"fmt"
	"strings"
	"syscall"
)

// ParseSignal returns the signal of a name such as SIGHUP; HUP and sighup will
// do as well.
func ParseSignal(name string) (syscall.Signal, error) {
	key := strings.ToUpper(name)
	if !strings.HasPrefix(key, "SIG") {
		key = "SIG" + key
	}
	if sig, ok := signals[key]; ok {
		return sig, nil
	}
	return 0, fmt.Errorf("unknown signal %q", name)
}
