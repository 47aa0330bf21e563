// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package fs

import (
	"errors"
	"os"

	"github.com/hashicorp/go-hclog"
)

// kernelWatch reports nothing on this operating system; followers look by themselves.
type kernelWatch struct {
	logger hclog.Logger
}

func (*kernelWatch) add(*os.Root, *Changes) (stop func(), err error) {
	return nil, errors.ErrUnsupported
}

func (*kernelWatch) close() error { return nil }
