// SPDX-License-Identifier: MPL-2.0

package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// patience is how long the agent may take to start on a busy machine.
const patience = 60 * time.Second

// TestSources checks the types of the sources and runs the tests of their pure functions.
func TestSources(t *testing.T) {
	if testing.Short() {
		t.Skip("Node is started only without -short")
	}
	testkit.Need(t, "node", "npm")
	needNode(t)
	installModules(t)
	for _, script := range []string{"types", "test"} {
		if out, err := exec.Command("npm", "run", "--silent", script).CombinedOutput(); err != nil {
			t.Errorf("npm run %s: %v\n%s", script, err, out)
		}
	}
}

// TestBrowser runs the tests of e2e/ in a browser against the real binary. NOMADLIKE_BIN names the binary,
// otherwise it is the one that make build leaves in bin/. E2E_TESTS narrows it to test files by name.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is driven only without -short")
	}
	testkit.Need(t, "linux", "chromium", "node", "npm")
	needNode(t)
	bin := os.Getenv("NOMADLIKE_BIN")
	if bin == "" {
		bin = filepath.Join("..", "bin", "nomadlike")
	}
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("there is no agent to test: run make build first (%v)", err)
	}
	installModules(t)
	addr := startAgent(t, bin)
	cmd := exec.Command("npm", append([]string{"run", "--silent", "e2e"}, strings.Fields(os.Getenv("E2E_TESTS"))...)...)
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "NOMADLIKE_ADDR="+addr, "NOMADLIKE_BIN="+bin, "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// needNode makes sure that the Node found is not too old for the tools.
func needNode(t *testing.T) {
	t.Helper()
	out, err := exec.Command("node", "--version").Output()
	major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	n, convErr := strconv.Atoi(major)
	if err != nil || convErr != nil || n < 20 {
		testkit.Need(t, "node of version 20 or newer")
	}
}

func installModules(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("node_modules/.package-lock.json"); err == nil {
		return
	}
	if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// syncBuffer is what an agent wrote.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.String()
	return text[max(0, len(text)-8000):]
}

// startAgent starts an agent in dev mode on free ports and returns its address once its node takes work.
func startAgent(t *testing.T, bin string) string {
	t.Helper()
	ports := freePorts(t, 3)
	conf := filepath.Join(t.TempDir(), "agent.hcl")
	text := fmt.Sprintf("ports {\n  http = %d\n  rpc = %d\n  serf = %d\n}\n", ports[0], ports[1], ports[2])
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &syncBuffer{}
	cmd := exec.Command(bin, "agent", "-dev", "-config", conf)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // how it ends does not matter
		close(exited)
	}()
	addr := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	t.Cleanup(func() {
		stopJobs(t, addr)
		cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it may be gone
		select {
		case <-exited:
		case <-time.After(patience):
			cmd.Process.Kill() //nolint:errcheck // it may be gone
			<-exited
		}
		if t.Failed() {
			t.Logf("end of the agent's log:\n%s", log.tail())
		}
	})
	awaitNode(t, addr, exited, log)
	return addr
}

func awaitNode(t *testing.T, addr string, exited chan struct{}, log *syncBuffer) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		var nodes []struct{ Status string }
		if ask(http.MethodGet, addr+"/v1/nodes", &nodes) == nil && len(nodes) > 0 && nodes[0].Status == "ready" {
			return
		}
		select {
		case <-exited:
			t.Fatalf("the agent ended:\n%s", log.tail())
		case <-deadline:
			t.Fatalf("the node is not ready:\n%s", log.tail())
		case <-tick.C:
		}
	}
}

// stopJobs purges all jobs and waits until their tasks are gone, so that nothing outlives the test.
func stopJobs(t *testing.T, addr string) {
	var jobs []struct{ ID, Namespace string }
	if ask(http.MethodGet, addr+"/v1/jobs?namespace=*", &jobs) != nil {
		return
	}
	for _, j := range jobs {
		if err := ask(http.MethodDelete, addr+"/v1/job/"+j.ID+"?purge=true&namespace="+j.Namespace, nil); err != nil {
			t.Logf("purge %s: %v", j.ID, err)
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		var allocs []struct{ ClientStatus string }
		if ask(http.MethodGet, addr+"/v1/allocations?namespace=*", &allocs) != nil {
			return
		}
		living := 0
		for _, a := range allocs {
			if a.ClientStatus == "running" || a.ClientStatus == "pending" {
				living++
			}
		}
		if living == 0 {
			return
		}
		select {
		case <-deadline:
			t.Errorf("%d allocations still run", living)
			return
		case <-tick.C:
		}
	}
}

func ask(method, url string, into any) error {
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
