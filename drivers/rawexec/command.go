// SPDX-License-Identifier: MPL-2.0

package rawexec

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// runnable are the mode bits that a command in the task directory is given, so
// that a program fetched by the agent need not have them.
const runnable fs.FileMode = 0o555

// findCommand returns the absolute path of a task's command: in the task's
// "local" directory, in the task directory, on the host, or in the agent's PATH,
// whichever has it first. allocDir is the directory of the allocation, in which
// that of the task is.
func findCommand(allocDir, taskDir, command string) (string, error) {
	for _, dir := range []string{"local", "."} {
		name := filepath.Join(dir, command)
		path := filepath.Join(taskDir, name)
		if isFile(path) && filepath.IsLocal(name) {
			if err := makeRunnable(taskDir, name); err != nil {
				return "", err
			}
			return path, nil
		}
	}
	if filepath.IsAbs(command) {
		// ${NOMAD_TASK_DIR}/program is a path of the host here.
		if name, err := filepath.Rel(allocDir, command); err == nil && filepath.IsLocal(name) && isFile(command) {
			if err := makeRunnable(allocDir, name); err != nil {
				return "", err
			}
		}
	}
	return findOnHost(command)
}

// findOnHost returns the absolute path of a command outside a task directory.
func findOnHost(command string) (string, error) {
	if filepath.IsAbs(command) {
		if isFile(command) {
			return command, nil
		}
	} else if path, err := exec.LookPath(command); err == nil {
		return filepath.Abs(path)
	}
	return "", fmt.Errorf("command %q could not be found in the task directory, on the host or in PATH", command)
}

// findExec returns the absolute path of a command to be run beside a task.
func findExec(config *drivers.TaskConfig, command string) (string, error) {
	taskDir := config.TaskDir()
	for _, dir := range []string{"local", "."} {
		path := filepath.Join(taskDir, dir, command)
		if isFile(path) {
			return path, nil
		}
	}
	return findOnHost(command)
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// makeRunnable adds the mode bits to a file in the directory of the task or the
// allocation. A task can put anything there, so the bits are changed only beneath
// the directory and only for a file with no other name; any other one has to be
// runnable already.
func makeRunnable(dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the directory of the command: %w", err)
	}
	defer root.Close()
	file, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&runnable == runnable || linked(st) {
		return nil
	}
	if err := file.Chmod(st.Mode().Perm() | runnable); err != nil {
		return fmt.Errorf("make command %q executable: %w", name, err)
	}
	return nil
}
