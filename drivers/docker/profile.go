// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxProfile is how large a seccomp profile may be; that of the engine has 13 KiB.
const maxProfile = 1 << 20

// readProfile reads a seccomp profile. A job names the file, which may be anything on this machine: a device that never
// ends, or that begins something when it is opened, or a pipe that nobody writes to.
func readProfile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errNoFile
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err = file.Stat() // of what it is by now
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errNoFile
	case st.Size() == 0:
		// So are the files of the kernel, some of which let their readers wait.
		return nil, errors.New("the file is empty")
	case st.Size() > maxProfile:
		return nil, fmt.Errorf("the file is larger than %d KiB", maxProfile>>10)
	}
	return io.ReadAll(io.LimitReader(file, maxProfile))
}

var errNoFile = errors.New("it is not a file")
