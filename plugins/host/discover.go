// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// found is an external plugin that has told who it is.
type found struct {
	file    string
	command []string
	block   Block
	info    *base.Info
	version *version.Version
}

// discover returns the external plugins: the executable files of the plugin
// directory that a block refers to. All errors are returned at once.
func (m *Manager) discover(ctx context.Context) ([]*found, error) {
	var mu sync.Mutex
	var out []*found
	var errs []error
	var group sync.WaitGroup
	for _, candidate := range m.candidates() {
		group.Go(func() {
			err := m.interrogate(ctx, candidate)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errNoCommonAPI):
				m.logger.Warn("plugin skipped", "file", candidate.file, "error", err)
			case err != nil:
				errs = append(errs, fmt.Errorf("plugin %q: %w", candidate.file, err))
			default:
				out = append(out, candidate)
			}
		})
	}
	group.Wait()
	return m.unique(out), errors.Join(errs...)
}

// candidates lists the files to start.
func (m *Manager) candidates() []*found {
	blocks := map[string]Block{}
	for _, block := range m.config.Blocks {
		blocks[block.Label] = block
	}
	for _, internal := range m.config.Internal {
		delete(blocks, internal.Name) // unless there is a file of that name
	}
	var out []*found
	seen := map[string]bool{}
	for _, path := range m.executables() {
		label := pluginLabel(path)
		block, ok := m.block(label)
		if !ok {
			m.logger.Warn("plugin is not referenced by a plugin block of the configuration, loading skipped",
				"file", path)
			continue
		}
		seen[label] = true
		out = append(out, &found{
			file:    path,
			command: append([]string{path}, block.Args...),
			block:   block,
		})
	}
	for label := range blocks {
		if !seen[label] {
			m.logger.Warn("plugin block refers to no plugin", "plugin", label)
		}
	}
	return out
}

// block returns the plugin block with a label.
func (m *Manager) block(label string) (Block, bool) {
	for _, block := range m.config.Blocks {
		if block.Label == label {
			return block, true
		}
	}
	return Block{}, false
}

// executables lists the files of the plugin directory that could be plugins.
func (m *Manager) executables() []string {
	if m.config.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(m.config.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.logger.Debug("plugin directory does not exist", "dir", m.config.Dir)
		return nil
	case err != nil:
		m.logger.Warn("plugin directory cannot be read", "dir", m.config.Dir, "error", err)
		return nil
	}
	var out []string
	for _, entry := range entries {
		path := filepath.Join(m.config.Dir, entry.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			m.logger.Warn("plugin file skipped", "file", path, "error", err)
		case info.IsDir():
			m.logger.Warn("plugin directory has a sub-directory, which is skipped", "dir", path)
		case !isExecutable(path, info):
			m.logger.Warn("plugin file is not executable, skipped", "file", path)
		default:
			out = append(out, path)
		}
	}
	return out
}

func isExecutable(path string, info fs.FileInfo) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(filepath.Ext(path), ".exe")
	}
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// pluginLabel is what the plugin block of a file is called.
func pluginLabel(path string) string {
	label := filepath.Base(path)
	if runtime.GOOS == "windows" && strings.EqualFold(filepath.Ext(label), ".exe") {
		label = label[:len(label)-len(".exe")]
	}
	return label
}

// interrogate starts an external plugin to learn who it is and whether its
// configuration is valid, and ends it again: the process that will serve may
// be running already.
func (m *Manager) interrogate(ctx context.Context, f *found) error {
	plugin, err := process.Launch(ctx, process.Spec{
		Name: pluginLabel(f.file), Command: f.command, SocketDir: m.socketDir, Logger: m.logger,
	})
	if err != nil {
		return err
	}
	defer plugin.Stop()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	client := plugin.Driver()
	if f.info, err = client.PluginInfo(ctx); err != nil {
		return fmt.Errorf("get plugin info: %w", err)
	}
	if f.version, err = checkInfo(f.info); err != nil {
		return err
	}
	if _, err := negotiate(f.info.APIVersions); err != nil {
		return err
	}
	_, err = encodeConfig(ctx, client, f.block.Config)
	return err
}

// unique drops plugins of other kinds, drivers that the operator does not want,
// and all but the newest of several plugins with the same kind and name.
func (m *Manager) unique(all []*found) []*found {
	newest := map[string]*found{}
	for _, f := range all {
		key := fmt.Sprint(f.info.Type, " ", f.info.Name)
		switch other := newest[key]; {
		case f.info.Type != base.TypeDriver && f.info.Type != base.TypeDevice:
			m.logger.Warn("plugin is neither a driver nor one of devices and is not used", "plugin", f.info.Name, "type", f.info.Type)
		case f.info.Type == base.TypeDriver && !m.allowed(f.info.Name):
			m.logger.Debug("driver is not allowed by the configuration", "driver", f.info.Name)
		case other == nil:
			newest[key] = f
		case f.version.GreaterThan(other.version):
			m.logger.Warn("older plugin of the same name is not used", "plugin", f.info.Name, "file", other.file)
			newest[key] = f
		default:
			m.logger.Warn("older plugin of the same name is not used", "plugin", f.info.Name, "file", f.file)
		}
	}
	out := make([]*found, 0, len(newest))
	for _, f := range newest {
		out = append(out, f)
	}
	return out
}

// choose returns a supervisor for each driver to run. An external driver
// replaces the internal one of its name; the version of the internal one is
// that of the agent's own plugins, so only an older external one loses.
func (m *Manager) choose(externals []*found) []*supervisor {
	chosen := map[string]*supervisor{}
	for _, internal := range m.config.Internal {
		if !m.allowed(internal.Name) {
			m.logger.Debug("driver is not allowed by the configuration", "driver", internal.Name)
			continue
		}
		block, _ := m.block(internal.Name)
		if len(block.Args) > 0 && !slices.ContainsFunc(externals, func(f *found) bool { return f.block.Label == block.Label }) {
			m.logger.Warn("args of a plugin block count for external plugins only", "plugin", internal.Name)
		}
		s := newSupervisor(m, internal.Name, internal.Command, block.Config)
		s.own, s.env, s.restAfter = true, internal.Env, internal.RestAfter
		if len(block.Config) == 0 {
			s.usable = internal.Usable
		} else {
			s.strict = true
		}
		chosen[internal.Name] = s
	}
	for _, f := range externals {
		if f.info.Type != base.TypeDriver {
			continue
		}
		if chosen[f.info.Name] != nil {
			if f.version.LessThan(internalVersion) {
				m.logger.Warn("external driver is older than the internal one and is not used",
					"driver", f.info.Name, "file", f.file)
				continue
			}
			m.logger.Info("external driver replaces the internal one", "driver", f.info.Name, "file", f.file)
		}
		chosen[f.info.Name] = newSupervisor(m, f.info.Name, f.command, f.block.Config)
	}
	out := make([]*supervisor, 0, len(chosen))
	for _, s := range chosen {
		out = append(out, s)
	}
	return out
}

// internalVersion is the plugin version of every internal driver.
var internalVersion = version.Must(version.NewVersion("0.1.0"))
