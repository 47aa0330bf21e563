// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
)

// keeper is a process of containerd that keeps one container running.
type keeper struct {
	pid int
	// address is where its containerd is, id that of the container.
	address, id string
}

// keeperName is how the programs begin that are such processes.
const keeperName = "containerd-shim"

// keeperOf reads from the command line of a process what it keeps; false if it is none.
func keeperOf(pid int) (k keeper, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return k, false // it has ended
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if !strings.HasPrefix(filepath.Base(args[0]), keeperName) {
		return k, false
	}
	k.pid = pid
	for i := range len(args) - 1 {
		switch args[i] {
		case "-id":
			k.id = args[i+1]
		case "-address":
			k.address = args[i+1]
		}
	}
	return k, len(k.id) == idLength && k.address != ""
}

// learnKeeper notes whose processes keep the containers of the engine running, so that those of another engine on this
// machine are left alone.
func (d *Driver) learnKeeper(found *container.InspectResponse) {
	if _, engine := d.settings(); found.State == nil || found.State.Pid <= 0 || !isLocal(engine) {
		return
	}
	st, err := proc.Get(found.State.Pid)
	if err != nil {
		return
	}
	if k, ok := keeperOf(st.Parent); ok && k.id == found.ID {
		d.mu.Lock()
		d.mu.keeper = k.address
		d.mu.Unlock()
	}
}

// findKeeper learns from any container that runs, when this process has started none.
func (d *Driver) findKeeper(ctx context.Context) {
	_, engine := d.settings()
	d.mu.Lock()
	known := d.mu.keeper != ""
	d.mu.Unlock()
	if known {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := engine.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return // it is looked for again
	}
	for i := range min(len(list.Items), findTries) {
		if found, err := engine.ContainerInspect(ctx, list.Items[i].ID, client.ContainerInspectOptions{}); err == nil {
			d.learnKeeper(&found.Container)
		}
	}
}

// findTries bounds how many containers are looked at: some may end meanwhile.
const findTries = 3

// endKeepers ends what keeps containers running that the engine does not know any more, and that were made for a task:
// an engine that was killed when they ended has not told containerd to let go of them.
func (d *Driver) endKeepers(ctx context.Context) {
	_, engine := d.settings()
	d.findKeeper(ctx)
	d.mu.Lock()
	address, removed := d.mu.keeper, d.mu.removed
	d.mu.removed = map[string]bool{}
	d.mu.Unlock()
	if address == "" || !isLocal(engine) {
		return
	}
	all, err := proc.All()
	if err != nil {
		d.logger.Debug("processes cannot be listed", "error", err)
		return
	}
	for _, p := range all {
		k, ok := keeperOf(p.PID)
		if !ok || k.address != address || !removed[k.id] && !k.isOurs() {
			continue
		}
		once, cancel := context.WithTimeout(ctx, callTimeout)
		_, err := engine.ContainerInspect(once, k.id, client.ContainerInspectOptions{})
		cancel()
		if !notFound(err) {
			if err != nil && removed[k.id] {
				d.noteRemoved(k.id) // it is looked for once more
			}
			continue
		}
		d.endLeft(k.id)
		if again, ok := keeperOf(k.pid); !ok || again != k {
			continue // it has ended meanwhile
		}
		if err := syscall.Kill(k.pid, syscall.SIGKILL); err == nil {
			d.logger.Warn("a process that kept a container which the engine has removed is killed", "container_id", k.id, "pid", k.pid)
		}
	}
}

// isOurs reports whether the container was made for a task, as its description says, in which directory it works. One
// whose description has been removed, and that has nothing to keep any more, is of no use to whomever it was of.
func (k *keeper) isOurs() bool {
	dir := filepath.Join("/proc", strconv.Itoa(k.pid), "cwd")
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		return slices.ContainsFunc(strings.Split(string(text), `"`), func(s string) bool { return strings.HasPrefix(s, allocVariable) })
	}
	at, err := os.Readlink(dir)
	children, failed := proc.Descendants(k.pid)
	return err == nil && failed == nil && len(children) == 0 && strings.HasSuffix(at, k.id+" (deleted)")
}
