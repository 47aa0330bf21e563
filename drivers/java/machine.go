// SPDX-License-Identifier: MPL-2.0

package java

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/values"
)

// versionTimeout bounds the question for the version.
const versionTimeout = 10 * time.Second

// find returns the program of the virtual machine, without the links that lead
// to it: where those lie need not be in a task's root.
func find() (string, error) {
	path, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("java was not found in PATH")
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("find java: %w", err)
	}
	return filepath.Abs(path)
}

// machine remembers what the virtual machine says of itself.
type machine struct {
	mu    sync.Mutex
	path  string
	found map[string]*values.Attribute
}

// attributes are those of the node. The machine is asked again only if it is
// another one.
func (m *machine) attributes(ctx context.Context) (map[string]*values.Attribute, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if path == m.path {
		return m.found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ask java for its version: %w", err)
	}
	version, runtime, vm := parse(string(out))
	if version == "" {
		return nil, errors.New("java does not tell its version")
	}
	m.path = path
	m.found = map[string]*values.Attribute{
		"driver.java": values.Flag(true), "driver.java.version": values.Text(version),
		"driver.java.runtime": values.Text(runtime), "driver.java.vm": values.Text(vm),
	}
	return m.found, nil
}

// parse reads the three lines of "java -version".
func parse(out string) (version, runtime, vm string) {
	var lines []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "Picked up ") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 3 {
		return "", "", ""
	}
	if _, rest, ok := strings.Cut(lines[0], `"`); ok {
		version, _, _ = strings.Cut(rest, `"`)
	}
	return version, lines[1], lines[2]
}
