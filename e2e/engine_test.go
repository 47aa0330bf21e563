// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engineImage is an image of busybox that an engine of a test has.
const engineImage = "nomadlike-e2e/busybox:1"

// pauseImage is the image of containers that hold the network of an allocation, where the driver looks for it.
const pauseImage = "registry.k8s.io/pause-" + runtime.GOARCH + ":3.3"

// engine is a container engine of a test's own, with directories and a socket that no other one uses.
type engine struct {
	t      *testing.T
	dir    string
	host   string
	cmd    *exec.Cmd
	exited chan struct{}
	// keeper is the containerd, which outlives the engine as it does where both are services.
	keeper *exec.Cmd
}

// newEngine starts an engine and gives it the image. Its containers have no network but none and host.
func newEngine(t *testing.T) *engine {
	t.Helper()
	// The path of a socket has little room, so the directory is not one of the test's.
	dir, err := os.MkdirTemp("", "nl-engine-")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, dir: dir, host: "unix://" + dir + "/s"}
	t.Cleanup(e.remove)
	e.startKeeper()
	e.start()
	program, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(program))})
	if err == nil {
		_, err = w.Write(program)
	}
	for _, name := range []string{"sh", "sleep", "cat"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox"}))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := e.docker("import", "-", engineImage)
	cmd.Stdin = &root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("import an image: %v\n%s", err, out)
	}
	return e
}

// importPause gives the engine the image of containers that hold a network.
func (e *engine) importPause() {
	e.t.Helper()
	for _, args := range [][]string{
		{"create", "--name", "pause", "--entrypoint", "/bin/sleep", engineImage, "1000000"}, {"commit", "pause", pauseImage}, {"rm", "pause"},
	} {
		if out, err := e.docker(args...).CombinedOutput(); err != nil {
			e.t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
	}
}

func (e *engine) docker(args ...string) *exec.Cmd {
	return exec.Command("docker", append([]string{"-H", e.host}, args...)...)
}

func (e *engine) startKeeper() {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, "containerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	_ = os.Remove(filepath.Join(e.dir, "c")) // one that was killed leaves its socket behind
	e.keeper = exec.Command("containerd", "--config", os.DevNull, "--address", filepath.Join(e.dir, "c"),
		"--root", filepath.Join(e.dir, "containerd"), "--state", filepath.Join(e.dir, "state"))
	e.keeper.Stdout, e.keeper.Stderr = log, log
	if err := e.keeper.Start(); err != nil {
		e.t.Fatal(err)
	}
	deadline := time.After(patience)
	for {
		if _, err := os.Stat(filepath.Join(e.dir, "c")); err == nil {
			return
		}
		select {
		case <-deadline:
			e.t.Fatal("containerd does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// start starts the engine and waits until it answers.
func (e *engine) start() {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	// One that was killed leaves its number behind, which another process may have by now.
	_ = os.Remove(filepath.Join(e.dir, "pid"))
	// In a network of its own: an engine without a bridge removes that of the machine's engine.
	e.cmd = exec.Command("unshare", "--net", "dockerd", "--host", e.host, "--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "exec"), "--pidfile", filepath.Join(e.dir, "pid"),
		"--containerd", filepath.Join(e.dir, "c"), "--debug", // what it is asked for tells the containers, see made
		"--bridge", "none", "--iptables=false", "--ip-masq=false")
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	exited := make(chan struct{})
	e.exited = exited
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(exited)
	}(e.cmd)
	e.ready()
}

func (e *engine) ready() {
	e.t.Helper()
	deadline := time.After(patience)
	for e.docker("version").Run() != nil {
		select {
		case <-e.exited:
			log, _ := os.ReadFile(filepath.Join(e.dir, "log"))
			e.t.Fatalf("the engine ended:\n%s", log[max(0, len(log)-4000):])
		case <-deadline:
			e.t.Fatal("the engine does not answer")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// end kills the engine or asks it to end, and waits until it has.
func (e *engine) end(hard bool) {
	sig := syscall.SIGTERM
	if hard {
		sig = syscall.SIGKILL
	}
	_ = e.cmd.Process.Signal(sig)
	select {
	case <-e.exited:
	case <-time.After(patience):
		_ = e.cmd.Process.Kill()
		<-e.exited
		e.t.Error("the engine did not end")
	}
}

// endKeeper kills the containerd.
func (e *engine) endKeeper() {
	_ = e.keeper.Process.Kill()
	_ = e.keeper.Wait()
}

// remove ends the engine with what it ran and deletes its files.
func (e *engine) remove() {
	if out, _ := e.docker("ps", "-aq").Output(); len(out) > 0 {
		_ = e.docker(append([]string{"rm", "-f"}, strings.Fields(string(out))...)...).Run()
	}
	if e.cmd != nil {
		e.end(false)
	}
	if e.keeper != nil && e.keeper.Process != nil {
		_ = e.keeper.Process.Signal(syscall.SIGTERM)
		_ = e.keeper.Wait()
	}
	for _, p := range processes() {
		if len(p.args) > 0 && strings.Contains(strings.Join(p.args, " "), e.dir+"/") {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	for _, m := range mountsBelow(e.dir) {
		_ = syscall.Unmount(m, syscall.MNT_DETACH)
	}
	if err := os.RemoveAll(e.dir); err != nil {
		e.t.Log(err)
	}
}

// containers returns all containers, also those that have ended.
func (e *engine) containers() (left []string) {
	out, err := e.docker("ps", "-a", "--format", "{{.Names}} {{.Status}}").Output()
	if err != nil {
		return []string{"the engine does not answer: " + err.Error()}
	}
	for line := range strings.Lines(string(out)) {
		left = append(left, "container "+strings.TrimSpace(line))
	}
	return left
}

// containerID is the ID of a container as engines write it.
var containerID = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// made returns the IDs of all containers that there ever were, and some that are of other things.
func (e *engine) made() (ids []string) {
	text, err := os.ReadFile(filepath.Join(e.dir, "log"))
	if err != nil {
		e.t.Fatal(err)
	}
	ids = containerID.FindAllString(string(text), -1)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// shims returns the processes that keep containers running.
func (e *engine) shims() []process {
	return slices.DeleteFunc(processes(), func(p process) bool {
		return len(p.args) == 0 || filepath.Base(p.args[0]) != "containerd-shim-runc-v2" || !slices.Contains(p.args, filepath.Join(e.dir, "c"))
	})
}

// remains returns what there is of containers beside what the engine tells: what keeps them running, and their mounts.
func (e *engine) remains() (left []string) {
	for _, p := range e.shims() {
		left = append(left, "process "+p.String())
	}
	out, err := exec.Command("ctr", "--address", filepath.Join(e.dir, "c"), "--namespace", "moby", "tasks", "list", "--quiet").Output()
	if err != nil {
		return append(left, "containerd does not answer: "+err.Error())
	}
	for id := range strings.FieldsSeq(string(out)) {
		left = append(left, "task of containerd "+id)
	}
	for _, m := range mountsBelow(e.dir) {
		// Those of the engine itself are its directory, that in which it begins to make a container, and the networks of
		// containers: one that is killed there leaves them, also when it has removed the container, and nobody but it knows
		// what for.
		if strings.HasSuffix(m, "/merged") && !strings.HasSuffix(m, "-init/merged") || strings.HasSuffix(m, "/shm") || strings.HasSuffix(m, "/rootfs") {
			left = append(left, "mount "+m)
		}
	}
	return left
}

// someTask returns the process and the allocation of a container that runs, 0 if there is none.
func (e *engine) someTask(random *rand.Rand) (pid int, alloc string) {
	out, err := e.docker("ps", "-q").Output()
	ids := strings.Fields(string(out))
	if err != nil || len(ids) == 0 {
		return 0, ""
	}
	out, err = e.docker("inspect", "--format", "{{.State.Pid}} {{.Name}}", ids[random.IntN(len(ids))]).Output()
	if err != nil {
		return 0, ""
	}
	if _, err := fmt.Sscan(string(out), &pid, &alloc); err != nil {
		return 0, ""
	}
	return pid, strings.TrimPrefix(alloc, "/main-")
}
