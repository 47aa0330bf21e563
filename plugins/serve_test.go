// SPDX-License-Identifier: MPL-2.0

package plugins_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver": func() { plugins.Serve(mock.New(plugins.Logger())) },
	})
}

// TestHandshakeLine starts a plugin the way any host does, without the
// libraries of ours.
func TestHandshakeLine(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "driver")
	cmd.Env = append(os.Environ(),
		"NOMAD_PLUGIN_MAGIC_COOKIE=e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255",
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=2",
		"PLUGIN_UNIX_SOCKET_DIR="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the plugin said %q: %v", line, err)
	}
	network := "unix"
	if runtime.GOOS == "windows" {
		network = "tcp"
	}
	parts := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if len(parts) != 6 || parts[0] != "1" || parts[1] != "2" || parts[2] != network || parts[4] != "grpc" || parts[5] != "" {
		t.Errorf("the handshake is %q", line)
	}
}

// TestWithoutCookie runs a plugin by hand.
func TestWithoutCookie(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(self, "driver").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the plugin ended with %v, want code 1", err)
	}
	if !strings.Contains(string(output), "plugin") {
		t.Errorf("the plugin said %q", output)
	}
}
