// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

const execJob = `
job "exec" {
  group "g" {
    task "main" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["1000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`

// terminal is a command on a terminal of its own.
type terminal struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd
	seen bytes.Buffer
}

func (a *agent) terminal(args ...string) *terminal {
	a.t.Helper()
	cmd := exec.Command(os.Getenv("NOMADLIKE_BIN"), args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+a.addr, "TERM=xterm", "NOMAD_CLI_SHOW_HINTS=false")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 101})
	if err != nil {
		a.t.Fatal(err)
	}
	// Reads of a terminal take no deadline; when the command is gone they end.
	overdue := time.AfterFunc(patience, func() { cmd.Process.Kill() }) //nolint:errcheck // the test fails then
	a.t.Cleanup(func() {
		overdue.Stop()
		cmd.Process.Kill() //nolint:errcheck // it has ended when all is well
		f.Close()
	})
	return &terminal{t: a.t, file: f, cmd: cmd}
}

// expect reads until the output has the pattern.
func (p *terminal) expect(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	buf := make([]byte, 4096)
	for !re.Match(p.seen.Bytes()) {
		n, err := p.file.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			p.t.Fatalf("no %s: %v in\n%q", pattern, err, p.seen.String())
		}
	}
	p.seen.Reset()
}

func (p *terminal) keys(text string) {
	p.t.Helper()
	if _, err := p.file.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the command and returns its exit status.
func (p *terminal) ends() int {
	p.t.Helper()
	buf := make([]byte, 4096)
	for { // the kernel ends reading with an error when the last holder of the terminal is gone
		n, err := p.file.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			break
		}
	}
	p.cmd.Wait() //nolint:errcheck // the status says it
	return p.cmd.ProcessState.ExitCode()
}

// TestExec runs commands inside a task, with a terminal and without.
func TestExec(t *testing.T) {
	a := newAgent(t, true, "").start()
	file := filepath.Join(a.dir, "exec.nomad.hcl")
	if err := os.WriteFile(file, []byte(execJob), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(0, "", "job", "run", file)
	a.running("exec", 1)

	out, errs, code := a.cli("typed\n", "alloc", "exec", "-job", "exec", "/bin/sh", "-c", "cat; echo $NOMAD_TASK_NAME; echo err >&2; exit 3")
	if out != "typed\nmain\n" || errs != "err\n" || code != 3 {
		t.Errorf("without a terminal: %q %q %d", out, errs, code)
	}
	large := strings.Repeat("0123456789abcdef", 64<<10)
	if out, _, code := a.cli(large, "alloc", "exec", "-job", "exec", "cat"); out != large || code != 0 {
		t.Errorf("%d of %d bytes came back, status %d", len(out), len(large), code)
	}
	a.want(1, "failed to exec into task: ", "alloc", "exec", "-job", "exec", "/no/such/program")

	p := a.terminal("alloc", "exec", "-job", "exec", "stty", "size") // it asks once, when it starts
	p.expect(`33 101\r\n`)
	if code := p.ends(); code != 0 {
		t.Errorf("status %d of stty on a terminal", code)
	}
	p = a.terminal("alloc", "exec", "-job", "exec", "/bin/sh")
	p.keys("stty size; tty\r")
	p.expect(`33 101\r\n/dev/pts/\d+`)
	if err := pty.Setsize(p.file, &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	p.keys("while [ \"$(stty size)\" != \"40 120\" ]; do :; done; echo re''sized\r")
	p.expect(`resized`)
	p.keys("sh -c \"echo star''ted; exec sleep 1000\"\r")
	p.expect(`started`)
	p.keys("\x03") // the terminal inside the task makes it a signal
	p.keys("echo after''wards; exit 7\r")
	p.expect(`afterwards`)
	if code := p.ends(); code != 7 {
		t.Errorf("status %d on a terminal, want 7", code)
	}

	p = a.terminal("alloc", "exec", "-job", "exec", "/bin/sh")
	p.keys(fmt.Sprintf("echo be''gun %d\r", 1))
	p.expect(`begun 1`)
	p.keys("~.")
	if code := p.ends(); code != 1 || !strings.Contains(p.seen.String(), "disconnected") {
		t.Errorf("status %d after ~., %q", code, p.seen.String())
	}
}
