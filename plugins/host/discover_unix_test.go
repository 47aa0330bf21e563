// SPDX-License-Identifier: MPL-2.0

//go:build unix

package host_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// externalDir has a plugin file for each role, named like it: a script that
// becomes the test binary.
func externalDir(t *testing.T, roles ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, role := range roles {
		script := fmt.Sprintf("#!/bin/sh\nTEST_DRIVER_NAME=third-party exec %s %s \"$@\"\n", self(t, role)[0], role)
		if err := os.WriteFile(filepath.Join(dir, role), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// logs collects log lines.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(data)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestExternalPlugin(t *testing.T) {
	config := baseConfig(t)
	config.Dir = externalDir(t, "external", "newer")
	config.Blocks = []host.Block{{Label: "external", Args: []string{"-x"}}, {Label: mock.Name, Args: []string{"-x"}}}
	// Neither of these is a plugin.
	if err := os.WriteFile(filepath.Join(config.Dir, "README"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(config.Dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	var log logs
	config.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Debug})
	f := run(t, config)
	wait(t, f, "readiness", f.Ready())
	if want := []string{mock.Name, "third-party"}; !slices.Equal(f.Drivers(), want) {
		t.Errorf("the drivers are %q, want %q", f.Drivers(), want)
	}
	if _, err := f.Get(f.ctx, "third-party"); err != nil {
		t.Errorf("get the external driver: %v", err)
	}
	for _, want := range []string{"not executable", "sub-directory", "not referenced", "args of a plugin block count for external plugins only: plugin=mock_driver"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log does not tell once of %q", want)
		}
	}
}

func TestExternalAgainstInternal(t *testing.T) {
	for role, wantVersion := range map[string]string{"newer": "2.0.0", "older": "0.1.0"} {
		t.Run(role, func(t *testing.T) {
			config := baseConfig(t)
			config.Dir = externalDir(t, role)
			config.Blocks = []host.Block{{Label: role}}
			f := run(t, config)
			info, err := f.driver(t).PluginInfo(f.ctx)
			if err != nil || info.Version != wantVersion {
				t.Errorf("the driver is %+v, %v; want version %s", info, err, wantVersion)
			}
		})
	}
}

func TestExternalDuplicates(t *testing.T) {
	config := baseConfig(t)
	config.Internal = nil
	config.Dir = externalDir(t, "newer", "older")
	config.Blocks = []host.Block{{Label: "older"}, {Label: "newer"}}
	f := run(t, config)
	info, err := f.driver(t).PluginInfo(f.ctx)
	if err != nil || info.Version != "2.0.0" {
		t.Errorf("the driver is %+v, %v; want the newer one", info, err)
	}
}

func TestExternalErrors(t *testing.T) {
	config := baseConfig(t)
	config.Dir = externalDir(t, "silent", "garbage", "ageless", "plain", "external")
	config.Blocks = []host.Block{
		{Label: "silent"},
		{Label: "garbage"},
		{Label: "ageless"},
		{Label: "plain", Config: map[string]any{"a": 1}},
		{Label: "external", Config: map[string]any{"nonsense": 1}},
	}
	f := run(t, config)
	err := wait(t, f, "end of the manager", f.ended)
	f.ended <- err
	if err == nil {
		t.Fatal("broken plugins were accepted")
	}
	for _, want := range []string{
		"silent", "garbage", "ageless", "configuration not allowed", "nonsense: Invalid label",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is\n%v\nand has no %q", err, want)
		}
	}
}

func TestExternalSkipped(t *testing.T) {
	config := baseConfig(t)
	config.Dir = externalDir(t, "future", "external")
	config.Blocks = []host.Block{{Label: "future"}, {Label: "external"}}
	config.Deny = []string{"third-party"}
	f := run(t, config)
	wait(t, f, "readiness", f.Ready())
	if want := []string{mock.Name}; !slices.Equal(f.Drivers(), want) {
		t.Errorf("the drivers are %q, want %q", f.Drivers(), want)
	}
	info, err := f.driver(t).PluginInfo(f.ctx)
	if err != nil || slices.Contains(info.APIVersions, "v9.0.0") {
		t.Errorf("the driver is %+v, %v; want the internal one", info, err)
	}
}

func TestAllowList(t *testing.T) {
	config := baseConfig(t)
	config.Dir = externalDir(t, "external")
	config.Blocks = []host.Block{{Label: "external"}}
	config.Allow = []string{"third-party"}
	f := run(t, config)
	wait(t, f, "readiness", f.Ready())
	if want := []string{"third-party"}; !slices.Equal(f.Drivers(), want) {
		t.Errorf("the drivers are %q, want %q", f.Drivers(), want)
	}
}

// TestCapabilities checks that an external driver may change what it can do, and that one of the agent is asked once.
func TestCapabilities(t *testing.T) {
	config := baseConfig(t)
	config.Internal[0].Command = self(t, "growing")
	config.Dir = externalDir(t, "growing")
	external := host.Block{Label: "growing"}
	for _, want := range [][]int{{1, 1, 1}, {1, 2, 3}} {
		f := run(t, config)
		var got []int
		for range want {
			can, err := f.driver(t).Capabilities(f.ctx)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, len(can.NetworkIsolationModes))
		}
		if !slices.Equal(got, want) {
			t.Errorf("with the blocks %v the driver can do %v things, want %v", config.Blocks, got, want)
		}
		config.Blocks = []host.Block{external} // which takes the place of the internal one
	}
}

// TestExternalWithoutSchema runs a plugin without any schema of its own.
func TestExternalWithoutSchema(t *testing.T) {
	config := baseConfig(t)
	config.Dir = externalDir(t, "plain")
	config.Blocks = []host.Block{{Label: "plain"}}
	f := run(t, config)
	driver, err := f.Get(f.ctx, "plain")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	stream, err := driver.Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if first := wait(t, f, "fingerprint", stream); first.Health != drivers.HealthHealthy {
		t.Errorf("the driver is %+v", first)
	}
}

func TestMissingDirectory(t *testing.T) {
	config := baseConfig(t)
	config.Dir = filepath.Join(t.TempDir(), "missing")
	f := run(t, config)
	f.driver(t)
}
