// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package logs

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim/rotate"
)

// pipePaths names the pipes as the driver protocol does on Windows. Drivers of this product follow the
// note instead, and nothing reads the pipes here.
func pipePaths(_, task string) (stdout, stderr string, err error) {
	var id [4]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails, see its documentation.
	base := "//./pipe/" + task + "-" + hex.EncodeToString(id[:])
	return base + ".stdout", base + ".stderr", nil
}

type pipe struct{}

func openPipe(*rotate.Dir, rotate.Config, string, string, bool, hclog.Logger) (*pipe, error) {
	return nil, nil
}

func (*pipe) finish() {}

func (*pipe) wait(time.Time) {}
