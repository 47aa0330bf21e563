// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// The range of processor shares that kernels take; a machine with more compute
// than that has its tasks scaled.
const (
	minShares = 2
	maxShares = 262144
)

const mebibyte = 1 << 20

// resources sets the limits.
func (b *builder) resources() error {
	r := b.task.Resources
	if r == nil {
		return nil
	}
	out := &b.out.HostConfig.Resources
	topology := b.driver.topology()
	out.CPUShares = shares(r.CPUShares, topology.TotalCompute())
	if b.options.CPUHardLimit && r.Linux != nil {
		cores := runtime.NumCPU()
		if topology != nil && len(topology.Cores) > 0 {
			cores = len(topology.Cores)
		}
		out.CPUPeriod = b.options.CPUCFSPeriod
		out.CPUQuota = int64(r.Linux.PercentTicks*float64(b.options.CPUCFSPeriod)) * int64(cores)
	}
	if b.options.CpusetCpus != "" {
		b.driver.logger.Warn("cpuset_cpus is not used; reserve cores with resources.cores", "task", b.task.Name)
	}
	if r.Linux != nil && os.Geteuid() == 0 {
		if out.CpusetCpus = r.Linux.CpusetCpus; out.CpusetCpus == "" {
			out.CpusetCpus = sharedCores(r.Linux.CpusetCgroup)
		}
	}
	return errors.Join(b.memory(out, r), b.processes(out))
}

// shares converts MHz into processor shares.
func shares(mhz int64, total uint64) int64 {
	if total >= maxShares {
		mhz = int64(float64(mhz) / float64(total) * maxShares)
	}
	return max(mhz, minShares)
}

func (b *builder) memory(out *container.Resources, r *drivers.Resources) error {
	reserved := r.MemoryMB * mebibyte
	limit := max(r.MemoryMaxMB, b.options.MemoryHardLimit) * mebibyte
	switch {
	case r.MemoryMaxMB < 0:
		out.MemoryReservation = reserved
		return nil
	case limit > 0:
		if reserved > limit {
			return fmt.Errorf("memory of %d MiB is more than its limit of %d MiB", r.MemoryMB, limit/mebibyte)
		}
		out.Memory, out.MemoryReservation = limit, reserved
	default:
		out.Memory = reserved
	}
	if runtime.GOOS != "windows" {
		out.MemorySwap = out.Memory
		if _, err := os.Stat("/sys/fs/cgroup/memory/memory.swappiness"); err == nil {
			out.MemorySwappiness = new(int64)
		}
	}
	return nil
}

func (b *builder) processes(out *container.Resources) error {
	limit := b.options.PidsLimit
	if b.plugin.PidsLimit > 0 {
		if limit > b.plugin.PidsLimit {
			return fmt.Errorf("pids_limit cannot be greater than nomad plugin config pids_limit: %d", b.plugin.PidsLimit)
		}
		if limit == 0 {
			limit = b.plugin.PidsLimit
		}
	}
	if limit > 0 {
		out.PidsLimit = &limit
	}
	return nil
}

// sharePeriod is how often the cores that tasks share are looked at.
const sharePeriod = 3 * time.Second

// sharedCores reads which cores tasks without cores of their own may use, given
// the group that the agent made for the task. It is empty if there is no telling.
func sharedCores(group string) string {
	switch {
	case group == "":
		return ""
	case strings.HasSuffix(group, "/share"):
		return coresOf(filepath.Join(group, "cpuset.cpus"))
	}
	if parent := filepath.Dir(group); strings.HasSuffix(parent, "/share.slice") {
		return coresOf(filepath.Join(parent, "cpuset.cpus.effective"))
	}
	return ""
}

// shareCores keeps containers off the cores that other tasks have reserved
// meanwhile.
func (d *Driver) shareCores() {
	if os.Geteuid() != 0 {
		return
	}
	applied := map[string]string{} // by container
	for range time.Tick(sharePeriod) {
		present := map[string]string{}
		for _, t := range d.running() {
			r := t.config.Resources
			if r == nil || r.Linux == nil || r.Linux.CpusetCpus != "" {
				continue
			}
			cores := sharedCores(r.Linux.CpusetCgroup)
			if cores == "" {
				continue
			}
			present[t.container] = cores
			if before, known := applied[t.container]; known && before == cores {
				continue
			}
			if err := t.setCores(cores); err != nil {
				d.logger.Debug("cores of a container cannot be changed", "container_id", t.container, "error", err)
				delete(present, t.container)
			}
		}
		applied = present
	}
}

// setCores has the engine move a container to other cores.
func (t *task) setCores(cores string) error {
	_, engine := t.driver.settings()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	_, err := engine.ContainerUpdate(ctx, t.container, client.ContainerUpdateOptions{
		Resources: &container.Resources{CpusetCpus: cores},
	})
	return err
}
