// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// smallDisk mounts a small disk, which needs root.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	testkit.Need(t, "linux", "root", "mounts")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatalf("remount: %v", err)
	}
}

// TestReadOnlyDisk starts a new server, and one that ran before, on a disk that cannot be written.
func TestReadOnlyDisk(t *testing.T) {
	disk := smallDisk(t, "size=64m")
	before := filepath.Join(disk, "before")
	if err := runOn(t, before, nil); err != nil {
		t.Fatal(err)
	}
	remount(t, disk, syscall.MS_RDONLY, "")
	for _, dir := range []string{before, filepath.Join(disk, "new")} {
		err := runOn(t, dir, func(context.Context, *Server) { t.Error("the server leads on a read-only disk") })
		for _, want := range []string{dir, "writable", "choose another data_dir"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		}
	}
}

// TestReadOnlyDirectory is the same by permissions, which root does not have.
func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root may write anywhere: TestReadOnlyDisk covers it")
		return
	}
	dir := filepath.Join(t.TempDir(), "server")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	err := runOn(t, dir, nil)
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "choose another data_dir") {
		t.Errorf("error %v", err)
	}
}

// TestFullDisk writes until the disk is full: the error says so, reads go on, and when there is space again
// the same server goes on writing.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "size=2m")
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	s := newOn(t, filepath.Join(disk, "server"))
	s.cfg.SnapshotThreshold, s.cfg.TrailingLogs = 1<<20, 1<<20
	leads := make(chan struct{}, 16)
	s.AddDuty(Duty{Name: "test", Run: func(ctx context.Context) error {
		leads <- struct{}{}
		<-ctx.Done()
		return nil
	}})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	write := func(i int) error {
		ns := &api.Namespace{Name: fmt.Sprintf("ns-%d", i), Description: strings.Repeat("x", 20_000)}
		_, _, err := s.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{ns}}))
		return err
	}
	<-leads
	written := 0
	var err error
	for err == nil {
		if err = write(written); err == nil {
			written++
		}
		if written > 500 {
			t.Fatal("the disk never gets full")
		}
	}
	if !strings.Contains(err.Error(), "free space") || !strings.Contains(err.Error(), "raft.db") {
		t.Errorf("error %v", err)
	}
	if n := state.Namespaces.Len(s.Store().Snapshot()); n != written+1 {
		t.Errorf("%d namespaces of %d can be read", n, written+1)
	}
	select {
	case err := <-ended:
		t.Fatalf("the server ended: %v", err)
	default:
	}
	remount(t, disk, 0, "size=64m")
	for {
		select {
		case <-leads:
		case err := <-ended:
			t.Fatalf("the server ended: %v", err)
		}
		if err = write(written); err == nil {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStopOnFullDisk stops a server that waits for space.
func TestStopOnFullDisk(t *testing.T) {
	disk := smallDisk(t, "size=2m")
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	s := newOn(t, filepath.Join(disk, "server"))
	s.cfg.SnapshotThreshold, s.cfg.TrailingLogs = 1<<20, 1<<20
	s.AddDuty(Duty{Name: "fill", Run: func(ctx context.Context) error {
		defer cancel()
		for i := 0; ; i++ {
			ns := &api.Namespace{Name: fmt.Sprintf("ns-%d", i), Description: strings.Repeat("x", 20_000)}
			if _, _, err := s.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{ns}})); err != nil {
				return nil
			}
		}
	}})
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}
