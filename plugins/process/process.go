// SPDX-License-Identifier: MPL-2.0

// Package process runs plugin processes: it launches them, finds running ones
// again, connects to them and ends them.
//
// A Process is one operating system process and one gRPC connection to it. It
// does not restart anything; that is the business of plugins/host. The package
// must not import the host or the agent.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Timers of the published contract.
const (
	// startTimeout is how long a plugin may take until its handshake.
	startTimeout = time.Minute

	// stopGrace is how long a plugin may take to end when asked to.
	stopGrace = 2 * time.Second
)

// Spec says how to launch a plugin.
type Spec struct {
	// Name is that of the plugin in logs.
	Name string

	// Command is the program and its arguments. The program must be a path.
	Command []string

	// Env is added to the environment of this process.
	Env []string

	// SocketDir is where the process makes a directory for its sockets, as
	// SocketDir returns it; empty means among the system's temporary files.
	SocketDir string

	Logger hclog.Logger
}

// Process is a running plugin process that this process is connected to.
type Process struct {
	client *goplugin.Client
	conn   *grpc.ClientConn
	task   osProcess
	record Record

	stopOnce sync.Once

	// gone is closed when the process has ended or is no longer ours.
	gone     chan struct{}
	goneOnce sync.Once
}

// osProcess is the operating system's side of a plugin process.
type osProcess interface {
	runner.AttachedRunner

	// exited is closed when the process has ended.
	exited() <-chan struct{}
}

// Launch starts a plugin in a session of its own, so that it outlives this
// process, and connects to it.
func Launch(ctx context.Context, spec Spec) (*Process, error) {
	if len(spec.Command) == 0 {
		return nil, errors.New("a plugin needs a command")
	}
	found := make(chan osProcess, 1)
	throttle := &throttle{logger: spec.Logger.Named(spec.Name)}
	config := clientConfig(spec.Name, spec.Logger, throttle)
	config.UnixSocketConfig = &goplugin.UnixSocketConfig{TempDir: spec.SocketDir}
	sockets := make(chan string, 1)
	config.RunnerFunc = func(_ hclog.Logger, template *exec.Cmd, dir string) (runner.Runner, error) {
		sockets <- dir
		task := newChild(spec, template.Env, throttle)
		found <- task
		return task, nil
	}
	p, err := connect(ctx, goplugin.NewClient(config), found)
	if err != nil {
		// go-plugin leaves the directory of a process that never ran.
		select {
		case dir := <-sockets:
			_ = os.RemoveAll(dir)
		default:
		}
	}
	return p, err
}

// Attach connects to a process that an earlier Launch started. An error means
// that there is no such process any more.
func Attach(ctx context.Context, name string, record Record, logger hclog.Logger) (*Process, error) {
	addr, err := record.address()
	if err != nil {
		return nil, err
	}
	found := make(chan osProcess, 1)
	config := clientConfig(name, logger, &throttle{logger: logger.Named(name)})
	config.Reattach = &goplugin.ReattachConfig{
		Protocol:        goplugin.ProtocolGRPC,
		ProtocolVersion: int(plugins.Handshake.ProtocolVersion),
		Addr:            addr,
		Pid:             record.Pid,
		ReattachFunc: func() (runner.AttachedRunner, error) {
			task, err := findStranger(record.Pid, addr)
			if err != nil {
				return nil, err
			}
			found <- task
			return task, nil
		},
	}
	return connect(ctx, goplugin.NewClient(config), found)
}

func clientConfig(name string, logger hclog.Logger, throttle *throttle) *goplugin.ClientConfig {
	relog := newRelog(logger.Named(name), throttle)
	return &goplugin.ClientConfig{
		HandshakeConfig:  plugins.Handshake,
		Plugins:          goplugin.PluginSet{},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     startTimeout,
		Logger:           logger,
		SyncStdout:       relog,
		SyncStderr:       relog,
	}
}

// connect starts or finds the process behind a client, which arrives on found
// once it is known.
func connect(ctx context.Context, client *goplugin.Client, found <-chan osProcess) (*Process, error) {
	type outcome struct {
		protocol goplugin.ClientProtocol
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		protocol, err := client.Client()
		done <- outcome{protocol, err}
	}()
	var result outcome
	select {
	case result = <-done:
	case <-ctx.Done():
		// Starting cannot be interrupted, but ends when the process does.
		go func() {
			select {
			case task := <-found:
				_ = task.Kill(context.Background())
				<-done
			case <-done:
			}
			client.Kill()
		}()
		return nil, context.Cause(ctx)
	}
	if result.err != nil {
		client.Kill()
		return nil, fmt.Errorf("start plugin: %w", result.err)
	}
	grpcClient, ok := result.protocol.(*goplugin.GRPCClient)
	if !ok {
		client.Kill()
		return nil, errors.New("start plugin: it does not speak gRPC")
	}
	task := <-found
	p := &Process{
		client: client,
		conn:   grpcClient.Conn,
		task:   task,
		record: recordOf(client.ReattachConfig().Addr, task.ID()),
		gone:   make(chan struct{}),
	}
	go func() {
		select {
		case <-task.exited():
			p.leave()
		case <-p.gone:
		}
	}()
	return p, nil
}

func (p *Process) leave() { p.goneOnce.Do(func() { close(p.gone) }) }

// Driver returns a client for the driver service of the process.
func (p *Process) Driver() *drivers.Client { return drivers.NewClient(p.conn, p.gone) }

// Device returns a client for the device service of the process.
func (p *Process) Device() *device.Client { return device.NewClient(p.conn, p.gone) }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.task.exited() }

// Record is what Attach needs to find the process again.
func (p *Process) Record() Record { return p.record }

// Stop asks the process to end, kills it if it has not within two seconds, and
// returns when it has ended. Processes that the plugin started live on.
func (p *Process) Stop() {
	p.stopOnce.Do(func() {
		// The request of go-plugin has no deadline, so a process that is
		// stopped or stuck is killed from here.
		kill := time.AfterFunc(2*stopGrace, p.Kill)
		defer kill.Stop()
		p.client.Kill()
		p.removeSocket()
	})
}

// Kill ends the process at once.
func (p *Process) Kill() { _ = p.task.Kill(context.Background()) }

// Detach closes the connection and leaves the process running. To callers it
// looks as if the process had ended. Only Exited and Record may be used
// afterwards.
func (p *Process) Detach() {
	p.leave()
	_ = p.conn.Close()
}

// removeSocket removes what a process that was killed leaves behind.
func (p *Process) removeSocket() {
	if p.record.Network != "unix" {
		return
	}
	if dir := filepath.Dir(p.record.Addr); strings.HasPrefix(filepath.Base(dir), socketPrefix) {
		_ = os.RemoveAll(dir)
		return
	}
	_ = os.Remove(p.record.Addr)
}
