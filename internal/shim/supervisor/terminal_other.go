// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux && !darwin

package supervisor

import (
	"errors"
	"os"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

func openRoot(int) int { return -1 }

func openTerminal(*wire.Spec, int) (master *os.File, slave int, err error) {
	return nil, -1, errors.ErrUnsupported
}
