// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// agentProcess is the agent of the demo.
type agentProcess struct {
	d      *demo
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// startAgent starts an agent on the usual ports, or on free ones when those are taken.
func startAgent(d *demo) (*agentProcess, error) {
	ports, err := choosePorts(4646, 4647, 4648)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(d.dir, "agent.hcl")
	text := fmt.Sprintf("ports {\n  http = %d\n  rpc  = %d\n  serf = %d\n}\n", ports[0], ports[1], ports[2])
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	d.addr = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	if d.api, err = client.New(client.Config{Address: d.addr}); err != nil {
		return nil, err
	}
	a := &agentProcess{d: d, log: filepath.Join(d.dir, "agent.log"), exited: make(chan struct{})}
	out, err := os.Create(a.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	d.say("starting an agent: nomadlike agent -dev")
	a.cmd = exec.Command(d.bin, "agent", "-dev", "-config", conf)
	a.cmd.Stdout, a.cmd.Stderr = out, out
	ownGroup(a.cmd)
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	go func() {
		a.cmd.Wait() //nolint:errcheck // its end is what matters; the log has the reason
		close(a.exited)
	}()
	return a, nil
}

func choosePorts(want ...int) ([]int, error) {
	free := true
	for _, p := range want {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			free = false
			break
		}
		l.Close()
	}
	if free {
		return want, nil
	}
	var ports []int
	for range want {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// ready waits until the agent's node takes work.
func (a *agentProcess) ready(ctx context.Context) error {
	return a.d.until(ctx, time.Minute, "the agent's node is ready", func() (bool, error) {
		select {
		case <-a.exited:
			log, _ := os.ReadFile(a.log)
			return false, permanent{fmt.Errorf("the agent ended:\n%s", tail(log, 4000))}
		default:
		}
		nodes, _, err := api.NodeList.Call(ctx, a.d.api, &api.NodeListRequest{})
		if err != nil {
			return false, err
		}
		return len(nodes) == 1 && nodes[0].Status == api.NodeStatusReady, nil
	})
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// stop ends the agent; its tasks end with it in dev mode.
func (a *agentProcess) stop() {
	a.d.say("stopping the agent")
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return
	}
	select {
	case <-a.exited:
	case <-time.After(20 * time.Second):
		a.cmd.Process.Kill() //nolint:errcheck // it may be gone by now
		<-a.exited
	}
}
