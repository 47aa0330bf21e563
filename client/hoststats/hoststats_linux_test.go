// SPDX-License-Identifier: MPL-2.0

package hoststats

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func TestThisMachine(t *testing.T) {
	c := New(t.TempDir(), 2000)
	s, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Memory.Total == 0 || s.Memory.Used > s.Memory.Total || len(s.CPU) == 0 || s.Uptime == 0 || s.AllocDirStats.Size == 0 || s.Timestamp == 0 {
		t.Errorf("stats = %+v", s)
	}
	for _, u := range s.CPU {
		if u.TotalPercent < 0 || u.TotalPercent > 100 || math.Abs(u.TotalPercent+u.Idle-100) > 0.01 {
			t.Errorf("core = %+v", u)
		}
	}
	if again, err := c.Collect(t.Context()); err != nil || again != s {
		t.Errorf("a fresh sample was not used again: %v", err)
	}
}

func TestUseIsADifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times, err := parseTimes(strings.NewReader("cpu  9 9 9 9\ncpu0 100 0 50 850 0 0 0 0 0 0\ncpu1 0 0 0 10\nintr 1\n"))
		if err != nil || len(times) != 2 {
			t.Fatal(times, err)
		}
		c := New(t.TempDir(), 2000)
		c.source.times = func() ([]cpuTimes, error) { return times, nil }
		c.source.memory = func() (*api.HostMemoryStats, error) { return &api.HostMemoryStats{}, nil }
		if _, err := c.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		timeAfter(2 * time.Second)
		times, err = parseTimes(strings.NewReader("cpu0 130 20 70 1030 0 0 0 0 0 0\ncpu1 0 0 0 10\n"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Of 250 ticks 50 were user, 20 system, 180 idle.
		want := api.HostCPUStats{CPU: "cpu0", User: 20, System: 8, Idle: 72, TotalPercent: 28, TotalTicks: 560}
		if *s.CPU[0] != want || s.CPUTicksConsumed != 560 {
			t.Errorf("core = %+v of %v MHz, want %+v", *s.CPU[0], s.CPUTicksConsumed, want)
		}
		if s.CPU[1].TotalPercent != 0 || s.CPU[1].Idle != 100 {
			t.Errorf("a core without time = %+v", s.CPU[1])
		}
	})
}

func timeAfter(d time.Duration) { <-time.After(d) }

func TestMemoryFile(t *testing.T) {
	m, err := parseMemory(strings.NewReader("MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nBuffers: 50 kB\nCached: 300 kB\nSReclaimable: 50 kB\nbroken\n"))
	if err != nil || *m != (api.HostMemoryStats{Total: 1000 << 10, Available: 600 << 10, Free: 200 << 10, Used: 400 << 10}) {
		t.Errorf("memory = %+v, %v", m, err)
	}
	if _, err := parseMemory(strings.NewReader("")); err == nil {
		t.Error("an empty file has memory")
	}
	if up, err := parseUptime(strings.NewReader("3116.53 5000.1\n")); err != nil || up != 3116 {
		t.Errorf("uptime = %d, %v", up, err)
	}
}
