// SPDX-License-Identifier: MPL-2.0

package hoststats

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

var machine = source{
	times:  func() ([]cpuTimes, error) { return readFile("/proc/stat", parseTimes) },
	memory: func() (*api.HostMemoryStats, error) { return readFile("/proc/meminfo", parseMemory) },
	disks:  diskStats,
	uptime: func() (uint64, error) { return readFile("/proc/uptime", parseUptime) },
}

func readFile[T any](name string, parse func(io.Reader) (T, error)) (T, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := parse(bytes.NewReader(data))
	if err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// parseTimes reads the lines of single cores of /proc/stat.
func parseTimes(r io.Reader) ([]cpuTimes, error) {
	var out []cpuTimes
	for sc := bufio.NewScanner(r); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 5 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		var v [8]uint64
		for i := range v {
			if i+1 < len(f) {
				n, err := strconv.ParseUint(f[i+1], 10, 64)
				if err != nil {
					return nil, err
				}
				v[i] = n
			}
		}
		t := cpuTimes{name: f[0], user: v[0] + v[1], system: v[2] + v[5] + v[6], idle: v[3] + v[4]}
		for _, n := range v {
			t.total += n
		}
		out = append(out, t)
	}
	return out, nil
}

func parseMemory(r io.Reader) (*api.HostMemoryStats, error) {
	values := map[string]uint64{}
	for sc := bufio.NewScanner(r); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 2 {
			continue
		}
		if kib, err := strconv.ParseUint(f[1], 10, 64); err == nil {
			values[f[0]] = kib << 10
		}
	}
	m := &api.HostMemoryStats{Total: values["MemTotal:"], Available: values["MemAvailable:"], Free: values["MemFree:"]}
	if m.Total == 0 {
		return nil, fmt.Errorf("there is no MemTotal")
	}
	m.Used = m.Total - min(m.Total, m.Free+values["Buffers:"]+values["Cached:"]+values["SReclaimable:"])
	return m, nil
}

func parseUptime(r io.Reader) (uint64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	return uint64(max(seconds, 0)), err
}

// diskStats measures the file systems that are on devices.
func diskStats() ([]*api.HostDiskStats, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*api.HostDiskStats
	seen := map[string]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) < 3 || !strings.HasPrefix(fields[0], "/dev/") || seen[fields[0]] {
			continue
		}
		seen[fields[0]] = true
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[1])
		d, err := Disk(point)
		if err != nil {
			continue // gone since it was listed, or not for this user
		}
		d.Device, d.Mountpoint = fields[0], point
		out = append(out, d)
	}
	return out, nil
}
