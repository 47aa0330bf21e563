// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/atomicfile"
)

// place is a file that a template reads or writes.
type place interface {
	Stat() (fs.FileInfo, error)
	ReadFile(limit int64) ([]byte, fs.FileInfo, error)
	WriteFile(data []byte, mode fs.FileMode, uid, gid int) error
}

// place finds the file that a template means.
func (m *Manager) place(name string) (place, error) {
	if m.cfg.Client.DisableFileSandbox && m.elsewhere(name) {
		return hostFile(filepath.Clean(name)), nil
	}
	inside, err := m.cfg.Dir.Inside(m.cfg.Task, m.cfg.Seen, name)
	if err != nil {
		if m.cfg.Client.DisableFileSandbox && errors.Is(err, allocdir.ErrOutside) {
			return hostFile(m.cfg.Dir.TaskPath(m.cfg.Task, name)), nil
		}
		return nil, m.sandboxed(name, err)
	}
	return inside, nil
}

// elsewhere reports whether a path means one of the node, not of the task.
func (m *Manager) elsewhere(name string) bool {
	return filepath.IsAbs(name) && !m.cfg.Dir.Known(m.cfg.Seen, name)
}

// sandboxed adds to an error what could be changed, if the sandbox is why a file cannot be used.
func (m *Manager) sandboxed(name string, err error) error {
	if m.cfg.Client.DisableFileSandbox || !m.elsewhere(name) && !errors.Is(err, allocdir.ErrOutside) {
		return err
	}
	return fmt.Errorf("%w (a template uses files below the directory of its task or /alloc, unless the agent is configured with client { template { disable_file_sandbox = true } })", err)
}

// hostFile is a file anywhere on the node, for agents that switch the sandbox off.
type hostFile string

func (f hostFile) Stat() (fs.FileInfo, error) { return os.Stat(string(f)) }

func (f hostFile) ReadFile(limit int64) ([]byte, fs.FileInfo, error) {
	file, err := allocdir.OpenRegular(string(f))
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	return allocdir.ReadRegular(file, string(f), limit)
}

func (f hostFile) WriteFile(data []byte, mode fs.FileMode, uid, gid int) error {
	dir := filepath.Dir(string(f))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	err := atomicfile.Fill(string(f), mode, func(draft *os.File) error {
		_, err := draft.Write(data)
		if err == nil && (uid >= 0 || gid >= 0) {
			err = draft.Chown(uid, gid)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", f, err)
	}
	return nil
}
