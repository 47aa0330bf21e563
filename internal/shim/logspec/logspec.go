// SPDX-License-Identifier: MPL-2.0

// Package logspec is the note by which the agent tells drivers of this module
// how the output of a task is to be stored.
//
// The driver protocol gives a driver two pipes that the agent reads. A driver
// that runs its tasks behind a shim can do without them: the agent puts a note,
// ".<task>.logs.json", beside where the pipes would be, and the shim writes the
// numbered files itself, so output is stored while the agent is down and costs
// it nothing while it runs. Under a host that writes no such note the driver
// uses the pipes as any other.
//
// The log directory belongs to the tasks. A note counts only if it is a regular
// file of the reader's own user that nobody else can write to, and what it says
// can never lead out of the directory that it lies in.
package logspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// maxSize bounds a note; real ones have a few hundred bytes.
const maxSize = 64 << 10

// ErrInvalid reports a note that must not be followed.
var ErrInvalid = errors.New("invalid log settings")

// Spec says how the output of a task is to be stored.
type Spec struct {
	// Dir is the log directory. It is for people and set by Write: readers use
	// the directory that they found the note in.
	Dir string `json:"dir"`
	// StdoutPrefix and StderrPrefix are the file names before ".<n>".
	StdoutPrefix string `json:"stdout_prefix"`
	StderrPrefix string `json:"stderr_prefix"`
	// MaxFiles is how many files of each stream are kept.
	MaxFiles int `json:"max_files"`
	// MaxFileSizeBytes is the size at which a file is left for the next.
	MaxFileSizeBytes int64 `json:"max_file_size_bytes"`
	// Disabled throws the output away.
	Disabled bool `json:"disabled"`
}

// Name is the file name of a task's note.
func Name(task string) string { return "." + task + ".logs.json" }

// Write puts the note of a task into the log directory dir, which is reached
// from base, a trusted directory, through names (for example an allocation
// directory and "alloc", "logs"). It replaces an earlier note at once.
func Write(base string, names []string, task string, s Spec) error {
	s.Dir = filepath.Join(append([]string{base}, names...)...)
	if err := s.validate(task); err != nil {
		return err
	}
	body, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode log settings: %w", err)
	}
	body = append(body, '\n')
	// A note that says the same is left: an agent that finds a thousand tasks again has nothing to write.
	if old, err := read(base, names, Name(task)); err == nil && bytes.Equal(old, body) {
		return nil
	}
	if err := write(base, names, Name(task), body); err != nil {
		return fmt.Errorf("write log settings %s: %w", filepath.Join(s.Dir, Name(task)), err)
	}
	return nil
}

// Read returns the note of a task, found as Write left it. The error is
// fs.ErrNotExist if there is none and ErrInvalid if it is not to be trusted.
func Read(base string, names []string, task string) (*Spec, error) {
	dir := filepath.Join(append([]string{base}, names...)...)
	if !beneath.PlainName(Name(task)) {
		return nil, fmt.Errorf("%w: task %q has no plain name", ErrInvalid, task)
	}
	body, err := read(base, names, Name(task))
	if err != nil {
		return nil, fmt.Errorf("read log settings %s: %w", filepath.Join(dir, Name(task)), err)
	}
	s := &Spec{}
	if err := json.Unmarshal(body, s); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, filepath.Join(dir, Name(task)), err)
	}
	if err := s.validate(task); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Spec) validate(task string) error {
	switch {
	case !beneath.PlainName(Name(task)):
		return fmt.Errorf("%w: task %q has no plain name", ErrInvalid, task)
	case s.Disabled:
		return nil
	case !beneath.PlainName(s.StdoutPrefix) || !beneath.PlainName(s.StderrPrefix):
		return fmt.Errorf("%w: file prefixes %q and %q must be plain names", ErrInvalid, s.StdoutPrefix, s.StderrPrefix)
	case s.StdoutPrefix == s.StderrPrefix:
		return fmt.Errorf("%w: both streams have the file prefix %q", ErrInvalid, s.StdoutPrefix)
	case s.MaxFiles < 1:
		return fmt.Errorf("%w: max_files is %d and must be at least 1", ErrInvalid, s.MaxFiles)
	case s.MaxFileSizeBytes < 1:
		return fmt.Errorf("%w: max_file_size_bytes is %d and must be at least 1", ErrInvalid, s.MaxFileSizeBytes)
	}
	return nil
}
