// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"fmt"
	"os"
	"path/filepath"
)

// Stage is a directory beside those of the tasks, for contents that are checked before tasks get them.
type Stage struct {
	dir  *Dir
	name string
}

// MakeStage makes an empty staging directory with subdirectories; what an earlier one of the same name held is
// removed. They belong to whom the directories of tasks belong to, the staging directory to the agent.
func (d *Dir) MakeStage(name string, subdirs ...string) (*Stage, error) {
	s := &Stage{dir: d, name: ".stage-" + name}
	if err := s.Remove(); err != nil {
		return nil, err
	}
	if err := mkdir(d.root, s.name, 0o711, noOwner); err != nil {
		return nil, err
	}
	root, err := s.Open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, sub := range subdirs {
		if err := mkdir(root, sub, 0o700, d.parent.owner); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Path is the absolute path of the directory.
func (s *Stage) Path() string { return filepath.Join(s.dir.path, s.name) }

// Owner returns who owns the subdirectories, negative numbers for the user of the agent.
func (s *Stage) Owner() (uid, gid int) {
	return s.dir.parent.owner.ids()
}

// Open opens the directory or one below it, no part of the way being a link.
func (s *Stage) Open(parts ...string) (*os.Root, error) {
	return s.dir.openParts(append([]string{s.name}, parts...)...)
}

// Remove removes the directory and all that is in it.
func (s *Stage) Remove() error {
	if err := removeAll(s.dir.root, s.name); err != nil {
		return fmt.Errorf("remove the staging directory: %w", err)
	}
	return nil
}
