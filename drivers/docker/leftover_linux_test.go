// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// leftProcess is a process in the control group of a container that no engine knows.
type leftProcess struct {
	id, dir string
	cmd     *exec.Cmd
	// over gets the end of the process.
	over chan error
}

func newLeftProcess(t *testing.T) *leftProcess {
	t.Helper()
	parent := filepath.Join(groupRoot, "docker") // with one hierarchy
	if _, err := os.Stat(filepath.Join(groupRoot, "cgroup.procs")); err != nil {
		parent = filepath.Join(groupRoot, "freezer", "docker")
	}
	var number [idLength / 2]byte
	_, _ = rand.Read(number[:])
	p := &leftProcess{id: hex.EncodeToString(number[:]), over: make(chan error, 1)}
	p.dir = filepath.Join(parent, p.id)
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(p.dir) })
	p.cmd = exec.Command("sleep", "1000")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		p.over <- p.cmd.Wait() // else it stays in its group
		close(ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-ended
	})
	if err := os.WriteFile(filepath.Join(p.dir, "cgroup.procs"), fmt.Append(nil, p.cmd.Process.Pid), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *leftProcess) wantKilled(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.over:
		if err == nil || err.Error() != "signal: killed" {
			t.Errorf("the process that was left: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the process that was left goes on")
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("its group: %v", err)
	}
}

func (p *leftProcess) wantAlive(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("a process that is not to be ended: %v", err)
	}
}

// TestEndLeft: what runs in the group of a container that the engine has removed is killed, and nothing else.
func TestEndLeft(t *testing.T) {
	testkit.Need(t, "linux", "root", "cgroups")
	d := New(hclog.NewNullLogger())
	var err error
	if d.mu.engine, err = newEngine(&pluginConfig{Endpoint: "unix:///run/none.sock"}); err != nil {
		t.Fatal(err)
	}
	left, other := newLeftProcess(t), newLeftProcess(t)
	d.endLeft(left.id)
	left.wantKilled(t)
	d.endLeft("") // nothing has no groups
	other.wantAlive(t)
}

// driverOf returns a driver whose engine is the handler, on a socket of its own.
func driverOf(t *testing.T, handler http.HandlerFunc) *Driver {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	engine := httptest.NewUnstartedServer(handler)
	_ = engine.Listener.Close()
	engine.Listener = l
	engine.Start()
	t.Cleanup(engine.Close)
	d := New(hclog.NewNullLogger())
	if d.mu.engine, err = newEngine(&pluginConfig{Endpoint: "unix://" + l.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRemoveUnseen: what runs of a container that the engine takes for ended is killed before the container is removed,
// since nothing would lead to it afterwards; of one that the engine knows to run, the engine ends it.
func TestRemoveUnseen(t *testing.T) {
	testkit.Need(t, "linux", "root", "cgroups")
	for name, running := range map[string]bool{"unseen": false, "seen": true} {
		t.Run(name, func(t *testing.T) {
			left := newLeftProcess(t)
			removed := false
			d := driverOf(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.Method != http.MethodDelete {
					_, _ = fmt.Fprintf(w, `{"Id":%q,"State":{"Running":%t}}`, left.id, running)
					return
				}
				removed = true
				if running {
					left.wantAlive(t)
				} else {
					left.wantKilled(t)
				}
			})
			if err := d.removeContainer(t.Context(), left.id, false); err != nil || !removed {
				t.Errorf("removed %t, %v", removed, err)
			}
		})
	}
}

// TestEndStuck: an engine that waits for a process of the container before it ends that, or removes it, has it killed.
func TestEndStuck(t *testing.T) {
	testkit.Need(t, "linux", "root", "cgroups")
	left := newLeftProcess(t)
	d := driverOf(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/stop") {
			select {
			case err := <-left.over:
				left.over <- err
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := (&task{driver: d, container: left.id, ended: make(chan struct{})}).stop(ctx, 0, ""); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case err := <-left.over:
		if err == nil || err.Error() != "signal: killed" {
			t.Errorf("the process: %v", err)
		}
	default:
		t.Error("the process goes on")
	}
}
