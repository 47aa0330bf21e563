// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/embed"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// settled is how long after its start a shim has given back what it does not
// need any more.
const settled = 2 * time.Second

// BenchmarkIdleTask measures what an idle task costs: the proportional memory
// of its shim and of itself, and how long its start took. Run it with the shim
// program embedded, since the test binary is a much larger one:
//
//	make build && go test -tags shimembed -run '^$' -bench IdleTask -benchtime 1x ./internal/shim
func BenchmarkIdleTask(b *testing.B) {
	if !embed.Present() {
		b.Log("without -tags shimembed the test binary itself plays the shim; the figures mean little")
	}
	for _, count := range []int{1, 10, 100} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			for b.Loop() {
				measureIdle(b, count)
			}
		})
	}
}

// BenchmarkOutput measures how fast a task can print: from the first byte to the
// exit record, through the shim's pipe into rotated files.
func BenchmarkOutput(b *testing.B) {
	const total = 512 << 20
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(total)
	for b.Loop() {
		place := newPlace(b)
		h, err := Start(&Spec{
			TaskID: "flood", Place: place,
			Path: self, Args: []string{actorArgument, "flood", strconv.Itoa(total)}, WorkDir: "/",
			Logs: Logs{Files: &LogFiles{
				Dir:          Place{Base: place.Base},
				StdoutPrefix: "p.stdout", StderrPrefix: "p.stderr",
				MaxFiles: 3, MaxFileSize: 10 << 20,
			}},
		})
		if err != nil {
			b.Fatal(err)
		}
		exit, err := h.Wait(b.Context())
		if err != nil || exit.Code != 0 || exit.LogDropped != 0 {
			b.Errorf("exit %+v, error %v", exit, err)
		}
		if err := h.Destroy(b.Context(), true); err != nil {
			b.Error(err)
		}
	}
}

func measureIdle(b *testing.B, count int) {
	begin := time.Now()
	var handles []*Handle
	defer func() {
		for _, h := range handles {
			if err := h.Destroy(b.Context(), true); err != nil {
				b.Error(err)
			}
		}
	}()
	for range count {
		place := newPlace(b)
		h, err := Start(&Spec{
			TaskID: "idle", Place: place,
			Path: "/bin/sleep", Args: []string{"3600"}, WorkDir: "/",
			Logs: Logs{Files: &LogFiles{
				Dir:          Place{Base: place.Base},
				StdoutPrefix: "idle.stdout", StderrPrefix: "idle.stderr",
				MaxFiles: 10, MaxFileSize: 10 << 20,
			}},
		})
		if err != nil {
			b.Fatal(err)
		}
		handles = append(handles, h)
	}
	started := time.Since(begin)
	<-time.After(settled)
	var shims, tasks uint64
	for _, h := range handles {
		shims += pss(b, h.state.ShimPID)
		tasks += pss(b, h.state.PID)
	}
	n := float64(count)
	b.ReportMetric(float64(shims)/n, "shim-PSS-kB")
	b.ReportMetric(float64(shims+tasks)/n, "all-PSS-kB")
	b.ReportMetric(started.Seconds()*1e3/n, "start-ms")
}

func newPlace(b *testing.B) Place { return Place{Base: b.TempDir(), Names: []string{"state"}} }

// pss reads the proportional resident memory of a process in kB.
func pss(b *testing.B, pid int) uint64 {
	text, err := sysfs.Read("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		b.Fatal(err)
	}
	var total uint64
	for line := range lines(text) {
		if line[0] == "Pss:" {
			v, _ := strconv.ParseUint(line[1], 10, 64)
			total += v
		}
	}
	return total
}

// lines yields the words of each line with at least two.
func lines(text []byte) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 1 && !yield(words) {
				return
			}
		}
	}
}
