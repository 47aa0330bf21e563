// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// TestDataThatStopsComing has a node begin to send data: as long as some comes it is waited for, however long that takes.
func TestDataThatStopsComing(t *testing.T) {
	var archive bytes.Buffer
	out := tar.NewWriter(&archive)
	body := []byte("data")
	if err := out.WriteHeader(&tar.Header{Name: "alloc/data/db", Mode: 0o644, Size: int64(len(body))}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		comes int
		moves bool
		tells string
	}{
		"slow":  {comes: archive.Len(), moves: true},
		"stall": {comes: archive.Len() - 1200, tells: "it has stopped coming"}, // after the file, before the end
		"none":  {comes: 0, tells: "it has stopped coming"},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				b.deps.Previous = func(string) *Runner { return nil }
				b.deps.FetchPrevious = func(ctx context.Context, _ *api.Allocation, take func(io.Reader) error) error {
					from, to := io.Pipe()
					defer from.Close()
					defer context.AfterFunc(ctx, func() { _ = to.CloseWithError(ctx.Err()) })()
					go func() {
						for data := range slices.Chunk(archive.Bytes()[:test.comes], 100) {
							time.Sleep(stallWait - time.Second)
							_, _ = to.Write(data)
						}
						if test.moves {
							_ = to.Close()
						}
					}()
					return take(from)
				}
				j := job(api.JobTypeService, tk("t"))
				j.TaskGroups[0].EphemeralDisk = &api.EphemeralDisk{Sticky: true, Migrate: true}
				a := allocation(j)
				a.PreviousAllocation = "99999999-bd7f-3b9c-47d2-f2d8a714cc74"
				r := b.run(a)
				wantState(t, r, "t", api.TaskStatePending, false, 0)
				time.Sleep(stallWait * time.Duration(test.comes/100+2))
				synctest.Wait()
				wantState(t, r, "t", api.TaskStateRunning, false, 0)
				data, err := os.ReadFile(filepath.Join(r.Dir().Path(), "alloc/data/db"))
				if told := strings.Contains(events(r, "t"), "Starts without the data of the previous allocation: "+test.tells); told == test.moves {
					t.Errorf("the events are %s", events(r, "t"))
				}
				if test.moves != (err == nil) || test.moves && string(data) != "data" {
					t.Errorf("the file holds %q, %v", data, err)
				}
			})
		})
	}
}
