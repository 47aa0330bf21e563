// SPDX-License-Identifier: MPL-2.0

//go:build unix

package executor

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/base"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	ranges, err := ParseRanges(" 0, 100-200 ,4294967295")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]bool{
		-1: false, 0: true, 1: false, 99: false, 100: true, 150: true, 200: true, 201: false, 4294967295: true,
	} {
		if got := ranges.contains(id); got != want {
			t.Errorf("%d is denied: %t", id, got)
		}
	}
	if none, err := ParseRanges(" "); err != nil || none.contains(0) {
		t.Errorf("an empty list denies something, %v", err)
	}
	for _, bad := range []string{"a", "1-", "-1", "2-1", "1,,2", "1-2-3", "4294967296"} {
		if got, err := ParseRanges(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestResolveUser(t *testing.T) {
	t.Parallel()
	if who, err := ResolveUser("", Denied{}); who != nil || err != nil {
		t.Errorf("no user is %v, %v", who, err)
	}
	if _, err := ResolveUser("no-such-user", Denied{}); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("unknown user: %v", err)
	}
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	for _, config := range []Denied{{UIDs: IDRanges{{uid, uid}}}, {GIDs: IDRanges{{gid, gid}}}} {
		if _, err := ResolveUser("", config); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("the agent's own user is denied: %v", err)
		}
	}
	testkit.Need(t, "root")
	for _, name := range []string{"nobody", "65534"} {
		who, err := ResolveUser(name, Denied{})
		if err != nil || who.UID != 65534 {
			t.Errorf("%s is %+v, %v", name, who, err)
		}
	}
	if _, err := ResolveUser("nobody", Denied{UIDs: IDRanges{{65000, 66000}}}); err == nil {
		t.Error("a denied user may run")
	}
	if who, err := ResolveUser("root", Denied{}); err != nil || who != nil {
		t.Errorf("root as root is %v, %v", who, err)
	}
	if _, err := ResolveUser("nobody", Denied{GIDs: IDRanges{{0, 0}}}); err != nil {
		t.Errorf("nobody is in group 0: %v", err)
	}
}

// TestSample checks rates against totals that are given.
func TestSample(t *testing.T) {
	t.Parallel()
	topology := &base.Topology{Cores: []base.Core{{BaseSpeed: 1000}, {BaseSpeed: 3000}}}
	at := time.Unix(100, 0)
	first := &shim.Usage{
		At:    at,
		Total: shim.ProcessUsage{User: 4 * time.Second, System: time.Second, RSS: 10},
		PIDs:  map[int]shim.ProcessUsage{7: {User: time.Second, RSS: 10}},
	}
	second := &shim.Usage{
		At:    at.Add(2 * time.Second),
		Total: shim.ProcessUsage{User: 5 * time.Second, System: time.Second + 500*time.Millisecond, RSS: 30},
		PIDs: map[int]shim.ProcessUsage{
			7: {User: 2 * time.Second, RSS: 10},
			8: {User: 50 * time.Second, RSS: 20},
		},
		Grouped: true, Cache: 1, Swap: 2, InUse: 3, MaxInUse: 4, MaxKnown: true, Kernel: 5, KernelMax: 6, KernelKnown: true,
		Throttled: true, ThrottledPeriods: 5, ThrottledTime: 6,
	}
	a := newSample(nil, first, topology)
	if cpu := a.Usage.CPU; cpu.Percent != 0 || cpu.TotalTicks != 0 || a.Usage.Memory.RSS != 10 {
		t.Errorf("the first sample is %+v", a.Usage)
	}
	b := newSample(first, second, topology)
	cpu := b.Usage.CPU
	if cpu.UserMode != 50 || cpu.SystemMode != 25 || cpu.Percent != 75 || cpu.TotalTicks != 1500 ||
		cpu.ThrottledPeriods != 5 || cpu.ThrottledTime != 6 || len(cpu.Measured) != 5 {
		t.Errorf("processor usage is %+v", cpu)
	}
	measured := []string{"RSS", "Cache", "Swap", "Usage", "Max Usage", "Kernel Usage", "Kernel Max Usage"}
	if m := b.Usage.Memory; m.RSS != 30 || m.Cache != 1 || m.Swap != 2 || m.Usage != 3 || m.MaxUsage != 4 || m.KernelUsage != 5 || m.KernelMaxUsage != 6 ||
		!slices.Equal(m.Measured, measured) {
		t.Errorf("memory usage is %+v", m)
	}
	unified := *second
	unified.MaxKnown, unified.KernelKnown = false, false
	if m := newSample(first, &unified, topology).Usage.Memory; !slices.Equal(m.Measured, measured[:4]) {
		t.Errorf("what a kernel does not tell is measured: %+v", m)
	}
	if b.Pids["7"].CPU.Percent != 50 || b.Pids["8"].CPU.Percent != 0 || b.Pids["8"].Memory.RSS != 20 {
		t.Errorf("processes use %+v and %+v", b.Pids["7"], b.Pids["8"])
	}
	// Processes may take their figures with them.
	if c := newSample(second, first, topology); c.Usage.CPU.Percent != 0 {
		t.Errorf("usage is negative: %+v", c.Usage.CPU)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var kept tail
	for i := range 3000 {
		_, _ = kept.Write([]byte{byte('a' + i%26), '\n'})
	}
	if got := kept.bytes(); len(got) != maxExecOutput || got[len(got)-2] != byte('a'+2999%26) {
		t.Errorf("%d bytes are kept, ending in %q", len(got), got[len(got)-2:])
	}
}
