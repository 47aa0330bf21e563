// SPDX-License-Identifier: MPL-2.0

// Command demo walks a newcomer through nomadlike: it starts an agent (server, client and HTTP API in one
// process), runs a web service and a batch job to healthy, updates the service, and cleans up. With a
// terminal it then waits for Ctrl-C; without one it ends, with status 0 only if everything proved healthy.
// It is also a system test: it looks at nothing but the public API and the CLI.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/nomadlike/nomadlike/api/client"
)

func main() {
	bin := flag.String("bin", "bin/nomadlike", "the nomadlike binary")
	keep := flag.Bool("wait", term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())), "wait for Ctrl-C at the end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *bin, *keep)
	stopped := ctx.Err() != nil
	stop()
	if err != nil && !(errors.Is(err, context.Canceled) && stopped) {
		fmt.Fprintln(os.Stderr, "demo failed:", err)
		os.Exit(1)
	}
}

// demo is one walk.
type demo struct {
	bin, dir, web string
	api           *client.Client
	addr          string
	start         time.Time
}

func (d *demo) say(format string, args ...any) {
	fmt.Printf("==> %5.1fs  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}

func run(ctx context.Context, bin string, keep bool) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bin); err != nil {
		return fmt.Errorf("no binary: run `make build` first: %w", err)
	}
	dir, err := os.MkdirTemp("", "nomadlike-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{bin: bin, dir: dir, web: filepath.Join(dir, "web"), start: time.Now()}
	d.say("building the demo's web service")
	build := exec.CommandContext(ctx, "go", "build", "-o", d.web, "./demo/web")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the web service: %w\n%s", err, out)
	}
	a, err := startAgent(d)
	if err != nil {
		return err
	}
	defer a.stop()
	return errors.Join(d.walk(ctx, a, keep), d.cleanUp())
}

func (d *demo) walk(ctx context.Context, a *agentProcess, keep bool) error {
	if err := a.ready(ctx); err != nil {
		return err
	}
	d.say("the agent is ready: HTTP API and web interface at %s", d.addr)
	d.say("job run demo/web.nomad.hcl (version 1, three instances)")
	if err := d.cli(ctx, "job", "run", "-var", "binary="+d.web, "-var", "version=1", "demo/web.nomad.hcl"); err != nil {
		return err
	}
	urls, err := d.healthy(ctx, "1", 3)
	if err != nil {
		return err
	}
	for _, u := range urls {
		d.say("healthy: %s", u)
	}
	d.say("job run demo/web.nomad.hcl (version 2: replaced one by one)")
	if err := d.cli(ctx, "job", "run", "-detach", "-var", "binary="+d.web, "-var", "version=2", "demo/web.nomad.hcl"); err != nil {
		return err
	}
	if urls, err = d.healthy(ctx, "2", 3); err != nil {
		return err
	}
	d.say("all instances answer with version 2")
	d.say("job run demo/report.nomad.hcl (a batch job that asks them)")
	if err := d.report(ctx, urls); err != nil {
		return err
	}
	if err := d.cli(ctx, "job", "status", "web"); err != nil {
		return err
	}
	d.say("the demo is healthy. Web interface: %s/ui/", d.addr)
	d.say("look around with: export NOMAD_ADDR=%s; bin/nomadlike job status web", d.addr)
	if keep {
		d.say("press Ctrl-C to stop everything")
		<-ctx.Done()
	}
	return nil
}

// cli runs a command of the binary against the demo's agent, showing its output.
func (d *demo) cli(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, d.bin, args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+d.addr, "NOMAD_CLI_SHOW_HINTS=false")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nomadlike %v: %w", args, err)
	}
	return nil
}
