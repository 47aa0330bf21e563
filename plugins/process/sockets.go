// SPDX-License-Identifier: MPL-2.0

package process

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// socketPrefix begins the name of the directory that go-plugin makes for the
	// sockets of one process.
	socketPrefix = "plugin-dir"

	// socketSpace is how much go-plugin adds to the path of the directory that
	// it is given: /plugin-dirNNNNNNNNNN/pluginNNNNNNNNNN.
	socketSpace = len("/"+socketPrefix+"/plugin") + 2*len("4294967295")

	// longestSocket is how long the path of a socket may be on every system.
	longestSocket = 103

	// answerTimeout is how long a socket may take to be answered.
	answerTimeout = time.Second
)

// SocketDir makes the directory that an agent gives its plugins for their
// sockets, and returns it. It is dir, or one in the system's directory for
// temporary files with a name that is made of dir if a socket in dir would have
// an address that is too long.
func SocketDir(dir string) (string, error) {
	if len(dir)+socketSpace <= longestSocket {
		return dir, os.MkdirAll(dir, 0o700)
	}
	dir = filepath.Join(os.TempDir(), fmt.Sprintf("nomadlike-%x", sha256.Sum256([]byte(dir)))[:len("nomadlike-")+16])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// Anybody may make a directory there.
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !private(info) {
		return "", fmt.Errorf("%s is not a directory of this user alone; remove it, or give it mode 0700", dir)
	}
	return dir, nil
}

// Leftovers are directories of sockets that an earlier agent has left.
type Leftovers []string

// FindLeftovers returns what is in a directory of sockets. It is called before
// processes are launched with that directory.
func FindLeftovers(dir string) (Leftovers, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out Leftovers
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), socketPrefix) {
			out = append(out, filepath.Join(dir, entry.Name()))
		}
	}
	return out, nil
}

// Clear removes the directories in which nobody listens any more. Processes that
// still do and are not to be kept have lost the agent that knew of them: they
// are ended where the system tells which they are; where it does not, they and
// their directories stay.
func (l Leftovers) Clear(kept []Record) error {
	keep := map[string]bool{}
	for _, record := range kept {
		keep[filepath.Dir(record.Addr)] = true
	}
	var errs []error
	for _, dir := range l {
		if abandoned(dir, !keep[dir]) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// abandoned reports whether nobody listens in a directory, after it has ended
// those who do if it shall.
func abandoned(dir string, end bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	free := true
	for _, entry := range entries {
		if entry.Type() != fs.ModeSocket {
			continue
		}
		conn, err := net.DialTimeout("unix", filepath.Join(dir, entry.Name()), answerTimeout)
		switch {
		case err == nil:
			free = end && endListener(conn.(*net.UnixConn)) && free
			_ = conn.Close()
		case !refused(err):
			free = false // its queue is full, for example
		}
	}
	return free
}
