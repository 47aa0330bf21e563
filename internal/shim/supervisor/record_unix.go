// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"os"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// reserveRecord creates the draft of the exit record at its full size, so that
// a disk that fills up later has room for it.
func reserveRecord() (*os.File, error) {
	f, err := os.OpenFile(wire.DraftName, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(make([]byte, wire.RecordSize)); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// writeRecord fills in the draft and gives it its final name.
func writeRecord(draft *os.File, exit *wire.Exit) error {
	if _, err := draft.WriteAt(exit.Record(), 0); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	return os.Rename(wire.DraftName, wire.RecordName)
}
