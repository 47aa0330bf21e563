// SPDX-License-Identifier: MPL-2.0

package network

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-version"
)

// versionWait bounds how long a plugin may take to say its version.
const versionWait = 2 * time.Second

// plugins knows the versions of the CNI plugins that are installed. A program is asked once, and again when
// its file has changed.
type plugins struct {
	dirs []string

	mu    sync.Mutex
	known map[string]plugin
}

// plugin is a program as it was when it was asked.
type plugin struct {
	size    int64
	changed time.Time
	version string
}

func newPlugins(dirs []string) *plugins { return &plugins{dirs: dirs, known: map[string]plugin{}} }

// versions returns the version of each plugin, by name; of two with the same name the first counts.
func (p *plugins) versions() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, seen := map[string]string{}, map[string]bool{}
	for _, dir := range p.dirs {
		entries, _ := os.ReadDir(dir) // a directory that is not there has no plugins
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
				continue
			}
			seen[path] = true
			now := plugin{size: info.Size(), changed: info.ModTime()}
			before, ok := p.known[path]
			if now.version = before.version; !ok || before != now {
				now.version = ask(path)
				p.known[path] = now
			}
			if _, taken := out[e.Name()]; !taken && now.version != "" {
				out[e.Name()] = now.version
			}
		}
	}
	maps.DeleteFunc(p.known, func(path string, _ plugin) bool { return !seen[path] })
	return out
}

// ask runs a plugin, which without a command says what it is.
func ask(path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), versionWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = []string{} // no CNI_COMMAND
	out, err := cmd.CombinedOutput()
	if err != nil {
		return ""
	}
	return parseVersion(string(out))
}

var (
	versionLine  = regexp.MustCompile(`(?m)^CNI \S+ plugin (?:version )?v?(\S+)`)
	protocolLine = regexp.MustCompile(`(?m)^CNI protocol versions supported: (.+)$`)
)

// parseVersion reads "CNI bridge plugin v1.6.2". Distributions leave the version out ("version unknown"):
// the newest protocol that the plugin speaks stands for it then, since constraints ask for no more.
func parseVersion(text string) string {
	if m := versionLine.FindStringSubmatch(text); m != nil {
		if v, err := version.NewSemver(m[1]); err == nil {
			return v.String()
		}
	}
	m := protocolLine.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	var all []*version.Version
	for word := range strings.SplitSeq(m[1], ",") {
		if v, err := version.NewSemver(strings.TrimSpace(word)); err == nil {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return slices.MaxFunc(all, func(a, b *version.Version) int { return a.Compare(b) }).String()
}

// Versions returns the versions of the installed CNI plugins, by name.
func (m *Manager) Versions() map[string]string { return m.plugins.versions() }
