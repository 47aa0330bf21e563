// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// watchMask is what a follower wants to know of a directory.
const watchMask = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_DELETE_SELF | unix.IN_ONLYDIR

// kernelWatch is one inotify instance; there are few of them for a user of the machine.
type kernelWatch struct {
	logger hclog.Logger

	mu struct {
		sync.Mutex
		file *os.File
		// fd is that of file; asking the file for it would take it from the poller.
		fd     int
		failed bool
		closed bool
		done   chan struct{}
		// dirs are the followers by watch descriptor.
		dirs map[int][]*Changes
	}
}

// add starts reporting changes of a directory to c.
func (k *kernelWatch) add(dir *os.Root, c *Changes) (stop func(), err error) {
	handle, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.startLocked(); err != nil {
		return nil, err
	}
	wd, err := unix.InotifyAddWatch(k.mu.fd, "/proc/self/fd/"+strconv.Itoa(int(handle.Fd())), watchMask)
	if err != nil {
		return nil, err
	}
	k.mu.dirs[wd] = append(k.mu.dirs[wd], c)
	return func() { k.remove(wd, c) }, nil
}

func (k *kernelWatch) startLocked() error {
	switch {
	case k.mu.closed, k.mu.failed:
		return os.ErrClosed
	case k.mu.file != nil:
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		k.mu.failed = true
		k.logger.Warn("file changes are looked for instead of reported by the kernel", "error", err)
		return err
	}
	k.mu.fd = fd
	k.mu.file, k.mu.dirs, k.mu.done = os.NewFile(uintptr(fd), "inotify"), map[int][]*Changes{}, make(chan struct{})
	go k.read(k.mu.file, k.mu.done)
	return nil
}

func (k *kernelWatch) remove(wd int, c *Changes) {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := slices.DeleteFunc(k.mu.dirs[wd], func(x *Changes) bool { return x == c })
	if len(left) > 0 {
		k.mu.dirs[wd] = left
		return
	}
	_, watched := k.mu.dirs[wd]
	delete(k.mu.dirs, wd)
	if watched && !k.mu.closed {
		// It fails for a directory that is gone, and with it the watch.
		_, _ = unix.InotifyRmWatch(k.mu.fd, uint32(wd))
	}
}

func (k *kernelWatch) close() error {
	k.mu.Lock()
	file, done := k.mu.file, k.mu.done
	already := k.mu.closed
	k.mu.closed = true
	k.mu.Unlock()
	if file == nil || already {
		return nil
	}
	err := file.Close()
	<-done
	return err
}

// read hands events to followers until the instance is closed.
func (k *kernelWatch) read(file *os.File, done chan struct{}) {
	defer close(done)
	buf := make([]byte, 16<<10)
	for {
		n, err := file.Read(buf)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				k.logger.Warn("file changes are no longer reported by the kernel", "error", err)
			}
			k.mu.Lock()
			k.mu.failed = true
			k.notifyAllLocked()
			k.mu.Unlock()
			return
		}
		k.dispatch(buf[:n])
	}
}

func (k *kernelWatch) dispatch(events []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int(int32(binary.NativeEndian.Uint32(events)))
		mask := binary.NativeEndian.Uint32(events[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events) {
			return
		}
		name := string(bytes.TrimRight(events[unix.SizeofInotifyEvent:size], "\x00"))
		events = events[size:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			k.notifyAllLocked()
		case mask&unix.IN_IGNORED != 0:
			for _, c := range k.mu.dirs[wd] {
				c.notify()
			}
			delete(k.mu.dirs, wd)
		default:
			for _, c := range k.mu.dirs[wd] {
				if name == "" || c.match(name) {
					c.notify()
				}
			}
		}
	}
}

func (k *kernelWatch) notifyAllLocked() {
	for _, dir := range k.mu.dirs {
		for _, c := range dir {
			c.notify()
		}
	}
}
