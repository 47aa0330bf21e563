// SPDX-License-Identifier: MPL-2.0

package logs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim"
)

// agentVariable makes the test binary an agent that collects as the value says.
const agentVariable = "TEST_COLLECT"

func TestMain(m *testing.M) {
	shim.Main()
	if text := os.Getenv(agentVariable); text != "" {
		agent(text)
	}
	os.Exit(m.Run())
}

// agent collects until it is killed.
func agent(text string) {
	cfg := Config{Logger: hclog.NewNullLogger()}
	err := json.Unmarshal([]byte(text), &cfg)
	var c *Collector
	if err == nil {
		c, err = Start(cfg)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.Record)
	select {}
}

// killedAgent is what an agent leaves that is killed while the task runs.
func killedAgent(t *testing.T, cfg Config) (record string) {
	t.Helper()
	cfg.Logger = nil
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), agentVariable+"="+string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	record, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	record = strings.TrimSpace(record)
	t.Cleanup(func() { End(record) })
	return record
}

// TestOutliveAgent checks that a task which writes to the pipe itself finds a reader while no agent runs, and that the
// next agent goes on with what there is.
func TestOutliveAgent(t *testing.T) {
	cfg := config(t)
	cfg.Outlive = true
	record := killedAgent(t, cfg)
	stdout, stderr, err := pipePaths(cfg.AllocDir, cfg.Task)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(stdout, os.O_WRONLY|unix.O_NONBLOCK, 0) // fails without a reader
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write(t, stderr, "oops\n")
	if _, err := f.WriteString("alone\n"); err != nil {
		t.Fatal(err)
	}

	cfg.Running, cfg.Earlier = true, record
	c := start(t, cfg)
	if c.Record != record || record == "" {
		t.Errorf("the process is %q, want that of the agent before, %q", c.Record, record)
	}
	if _, err := f.WriteString("together\n"); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "alone\ntogether\n")
	wantFile(t, logFile(cfg, "web.stderr.0"), "oops\n")
	if shim.FindCollector(record) != nil {
		t.Error("the process has not ended")
	}
}

// TestEarlierEnds checks that nothing of an earlier agent stays that does not fit the next start of the task.
func TestEarlierEnds(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"started anew": func(*Config) {},
		"not wanted":   func(cfg *Config) { cfg.Disabled = true },
		"by the agent": func(cfg *Config) { cfg.Outlive = false },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Outlive = true
			record := killedAgent(t, cfg)
			cfg.Earlier = record
			change(&cfg)
			c := start(t, cfg)
			if shim.FindCollector(record) != nil || c.Record == record {
				t.Errorf("the process of the agent before goes on; the present one is %q", c.Record)
			}
			if wanted := cfg.Outlive && !cfg.Disabled; wanted != (c.Record != "") {
				t.Errorf("the process is %q", c.Record)
			}
		})
	}
}

// TestProcessEnds checks that the agent collects when the process that should has ended.
func TestProcessEnds(t *testing.T) {
	cfg := config(t)
	cfg.Outlive = true
	c := start(t, cfg)
	var pid int
	if _, err := fmt.Sscan(c.Record, &pid); err != nil {
		t.Fatal(err)
	}
	_ = os.Chown(c.Stdout, 65534, -1) // as a driver may have done; works for root only
	var before, after unix.Stat_t
	if err := unix.Lstat(c.Stdout, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.process.Done()
	var f *os.File
	for end := time.Now().Add(30 * time.Second); f == nil; {
		var err error
		if f, err = os.OpenFile(c.Stdout, os.O_WRONLY|unix.O_NONBLOCK, 0); err != nil && time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteString("on\n"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fstat(int(f.Fd()), &after); err != nil || after.Ino != before.Ino || after.Uid != before.Uid {
		t.Errorf("the pipe is another one, of user %d, %v", after.Uid, err)
	}
	_ = f.Close()
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "on\n")
}
