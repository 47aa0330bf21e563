// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

const (
	// groupRoot is where control groups are.
	groupRoot = "/sys/fs/cgroup"
	// endTries and endPause bound how long processes may take to be gone.
	endTries = 20
	endPause = 50 * time.Millisecond
)

// endUnseen kills the processes of a container that the engine takes for ended, as endLeft does, while it has the
// container still: should this process end in between, the container is found again.
func (d *Driver) endUnseen(ctx context.Context, id string) {
	_, engine := d.settings()
	if len(id) != idLength || !isLocal(engine) {
		return
	}
	if pids, _ := leftOf(id); len(pids) == 0 {
		return
	}
	found, err := engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err == nil && found.Container.State != nil && !found.Container.State.Running {
		d.endLeft(id)
	}
}

// endLeft kills the processes of a container that the engine has removed, of which there are none but when it was
// killed while it started or restored the container: it may take one for ended then that runs.
func (d *Driver) endLeft(id string) {
	if _, engine := d.settings(); len(id) != idLength || !isLocal(engine) {
		return
	}
	told := false
	for range endTries {
		pids, groups := leftOf(id)
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err == nil && !told {
				told = true
				d.logger.Warn("a container that has ended for the engine was still running, its processes are killed", "container_id", id)
			}
		}
		if len(pids) == 0 {
			for _, dir := range groups {
				_ = os.Remove(dir) // what has groups below it is not a container's
			}
			return
		}
		time.Sleep(endPause)
	}
	d.logger.Error("processes of a container that has ended for the engine cannot be killed", "container_id", id)
}

// endStuck kills the processes of a container that was to be ended and that the engine does not end. So it is when a
// container has stopped, by a signal, a command that the engine is about to start in it: the engine waits for that first.
func (d *Driver) endStuck(id string) {
	if _, engine := d.settings(); len(id) != idLength || !isLocal(engine) {
		return
	}
	pids, _ := leftOf(id)
	if len(pids) > 0 {
		d.logger.Warn("the engine does not end a container, its processes are killed", "container_id", id)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // or it has ended meanwhile
	}
}

// idLength is that of a container's ID.
const idLength = 64

// leftOf returns the control groups of a container, where engines make them, and the processes in them.
func leftOf(id string) (pids []int, groups []string) {
	for _, place := range []string{
		"docker/" + id, "*/docker/" + id, // the engine's own groups
		"system.slice/docker-" + id + ".scope", "*/system.slice/docker-" + id + ".scope", // those of systemd
	} {
		found, _ := filepath.Glob(filepath.Join(groupRoot, place)) // the pattern is well formed
		groups = append(groups, found...)
	}
	seen := map[int]bool{}
	for _, dir := range groups {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // a group that is gone has none
		for line := range strings.Lines(string(text)) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 && !seen[pid] {
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids, groups
}

// isAlone reports whether a process is the only one in its network namespace.
func isAlone(pid int) bool {
	own, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns", "net"))
	if err != nil || pid <= 0 {
		return false
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return false
	}
	for _, dir := range processes {
		other, err := os.Readlink(filepath.Join(dir, "ns", "net"))
		if err == nil && other == own && filepath.Base(dir) != strconv.Itoa(pid) {
			return false
		}
	}
	return true
}
