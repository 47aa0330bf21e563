// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"errors"
	"strconv"
	"strings"
)

// CollectVariable names the environment variable that makes a shim a collector: it stands behind no task of its own, and
// stores what others write into two named pipes. Its value is an encoded Collect.
const CollectVariable = "NOMADLIKE_SHIM_COLLECT"

// Descriptors that a collector inherits.
const (
	// FDCollectDir is the log directory.
	FDCollectDir = 3
	// FDCollectPipes is the first of four: of standard output and of errors the end to read, and one to write by which
	// the pipe stays open until the collector is to end.
	FDCollectPipes = 4
	// FDCollectReady takes a byte once the collector can be told to end.
	FDCollectReady = 8
)

// Collect says what a collector makes of the output.
type Collect struct {
	StdoutPrefix, StderrPrefix string
	MaxFiles                   int
	// MaxFileSize is in bytes.
	MaxFileSize int64
}

// Encode returns what CollectVariable is set to. Prefixes are parts of file names, without a slash.
func (c *Collect) Encode() string {
	return strings.Join([]string{strconv.Itoa(c.MaxFiles), strconv.FormatInt(c.MaxFileSize, 10), c.StdoutPrefix, c.StderrPrefix}, "/")
}

// DecodeCollect reads what Encode has made.
func DecodeCollect(text string) (*Collect, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
		return nil, errors.New("not the description of a collector")
	}
	c := &Collect{StdoutPrefix: parts[2], StderrPrefix: parts[3]}
	var countErr, sizeErr error
	c.MaxFiles, countErr = strconv.Atoi(parts[0])
	c.MaxFileSize, sizeErr = strconv.ParseInt(parts[1], 10, 64)
	return c, errors.Join(countErr, sizeErr)
}
