// SPDX-License-Identifier: MPL-2.0

package network

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// namespaceDir is where tools look for named network namespaces.
const namespaceDir = "/var/run/netns"

// CreateNamespace makes the network namespace of an allocation, and says whether it was not there before.
func (*Manager) CreateNamespace(allocID string) (path string, created bool, err error) {
	if path, err = namespacePath(allocID); err != nil {
		return "", false, err
	}
	if isNamespace(path) {
		return path, false, nil
	}
	if err := os.MkdirAll(namespaceDir, 0o755); err != nil {
		return "", false, fmt.Errorf("create the directory of network namespaces: %w", err)
	}
	// A file that an agent which died has left is as good as a new one.
	file, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o444)
	if err != nil {
		return "", false, fmt.Errorf("create the file of the network namespace: %w", err)
	}
	_ = file.Close()
	result := make(chan error, 1)
	go func() {
		// The thread is in a namespace of its own afterwards, and ends with the goroutine that locked it.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("make a network namespace: %w", err)
			return
		}
		source := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
		if err := unix.Mount(source, path, "", unix.MS_BIND, ""); err != nil {
			result <- fmt.Errorf("keep the network namespace: %w", err)
			return
		}
		result <- nil
	}()
	if err := <-result; err != nil {
		_ = os.Remove(path)
		return "", false, err
	}
	return path, true, nil
}

// RemoveNamespace removes a namespace that CreateNamespace made. It is no error if it is gone.
func (*Manager) RemoveNamespace(allocID string) error {
	path, err := namespacePath(allocID)
	if err != nil {
		return err
	}
	for isNamespace(path) {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("let go of the network namespace: %w", err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the file of the network namespace: %w", err)
	}
	return nil
}

func namespacePath(allocID string) (string, error) {
	if allocID == "" || allocID != filepath.Base(allocID) || strings.HasPrefix(allocID, ".") {
		return "", fmt.Errorf("%q cannot be the name of a network namespace", allocID)
	}
	return filepath.Join(namespaceDir, allocID), nil
}

func isNamespace(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// BridgeAvailable returns why this process cannot connect allocations to a bridge, nil when it can.
func BridgeAvailable() error {
	if os.Geteuid() != 0 {
		return errors.New("the agent does not run as root")
	}
	if _, err := os.Stat("/sys/module/bridge"); err == nil {
		return nil
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err
	}
	release := string(name.Release[:bytes.IndexByte(name.Release[:], 0)])
	for _, file := range []string{"modules.builtin", "modules.dep"} {
		text, err := os.ReadFile(filepath.Join("/lib/modules", release, file))
		if err == nil && bytes.Contains(text, []byte("/bridge.ko")) {
			return nil
		}
	}
	return errors.New("the kernel has no module bridge")
}
