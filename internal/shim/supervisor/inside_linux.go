// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// insideVariable marks a process that the shim started to become a task inside
// a root of its own. It is the same program: nothing else needs to be installed,
// and it is replaced by the task's.
const insideVariable = "NOMADLIKE_SHIM_INSIDE"

// Descriptors of such a process: the Inside, then where to report a failure,
// then the root and the trees of its entries.
const (
	fdInside = 3
	fdReport = 4
	fdFirst  = 5
)

// inside runs in the process that becomes the task, and does not return. All of
// it happens in one thread, whose attributes the program inherits.
func inside() {
	runtime.LockOSThread()
	i := &insider{}
	err := i.become()
	report := wire.Started{Stage: i.stage, Error: err.Error()}
	if setup, ok := errors.AsType[*setupError](err); ok {
		err = setup.err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		report.Errno = int(errno)
	}
	_, _ = unix.Write(fdReport, report.Encode())
	os.Exit(1)
}

// insider is the way from a process of the shim to the task.
type insider struct {
	*wire.Inside
	stage wire.Stage
}

// become returns only if it fails.
func (i *insider) become() error {
	i.stage = wire.StageSetup
	// The descriptor stays open, see orphaned.
	kind, body, err := wire.ReadFrame(descriptor(fdInside))
	if err == nil && kind != wire.KindInside {
		err = errUnknown
	}
	if err != nil {
		return &setupError{"read what to run", err}
	}
	if i.Inside, err = wire.DecodeInside(body); err != nil {
		return &setupError{"read what to run", err}
	}
	if i.Task.Root == nil {
		return &setupError{"read what to run", wire.ErrCorrupt}
	}
	if !i.Beside {
		if err := i.makeRoot(); err != nil {
			return err
		}
	}
	if err := unix.Chdir(i.Task.WorkDir); err != nil {
		return &setupError{"enter the working directory " + i.Task.WorkDir, err}
	}
	path, err := i.find()
	if err != nil {
		i.stage = wire.StageExec
		return err
	}
	if err := i.confine(); err != nil {
		return err
	}
	i.stage = wire.StageExec
	unix.CloseOnExec(fdInside)
	unix.CloseOnExec(fdReport)
	err = syscall.Exec(path, i.Task.Args, i.Task.Env)
	return &setupError{path, err}
}

// find looks for the program.
func (i *insider) find() (string, error) {
	last := error(unix.ENOENT)
	for n, path := range i.candidates() {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			if err != unix.ENOENT && err != unix.ENOTDIR {
				last = err
			}
			continue
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG {
			last = unix.EACCES
			continue
		}
		if n < i.Task.Root.Fetched && !i.Beside {
			makeRunnable(path)
		}
		return path, nil
	}
	return "", &setupError{"find " + i.Task.Path, last}
}

// candidates are the places to look at: those of the task, and for a command
// without a directory those of the PATH.
func (i *insider) candidates() []string {
	if !i.Beside {
		return i.Task.Root.Find
	}
	name := i.Task.Path
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var found []string
	for _, entry := range i.Task.Env {
		if list, ok := strings.CutPrefix(entry, "PATH="); ok {
			found = found[:0]
			for dir := range strings.SplitSeq(list, ":") {
				found = append(found, dir+"/"+name)
			}
		}
	}
	if len(found) == 0 {
		found = []string{"/usr/local/bin/" + name, "/usr/bin/" + name, "/bin/" + name}
	}
	return found
}

// makeRunnable adds the mode bits that a fetched program may lack. What the task
// has no right to change stays as it is, and so does what a link leads to, which
// may be a file of a volume.
func makeRunnable(path string) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1 && st.Mode&0o555 != 0o555 {
		_ = unix.Fchmod(fd, st.Mode&0o7777|0o555)
	}
}
