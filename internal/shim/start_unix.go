// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// startLimit is how long a start may take. Executing a program is a matter of
// milliseconds; only a file system that hangs takes longer.
const startLimit = time.Minute

// Start starts a task and returns once it runs. The error is a *StartError if
// the shim could not start it; either way nothing is left behind then.
func Start(spec *Spec) (*Handle, error) {
	prog, err := theProgram()
	if err != nil {
		return nil, err
	}
	dir, err := makeState(spec.Place)
	if err != nil {
		return nil, err
	}
	h, err := start(spec, prog, dir)
	if err != nil {
		removeState(spec.Place, dir)
		_ = unix.Close(dir)
		return nil, err
	}
	return h, nil
}

func start(spec *Spec, prog *program, dir int) (*Handle, error) {
	task := encodeSpec(spec)
	logs, err := openLogs(&spec.Logs, task)
	opened := logs
	defer closeAll(opened)
	if err != nil {
		return nil, err
	}
	places, err := openPlaces(spec.Root)
	defer closeAll(places)
	if err != nil {
		return nil, err
	}
	if len(places) > 0 {
		handed := make([]*os.File, wire.FDRoot-wire.FDLogs, wire.FDRoot-wire.FDLogs+len(places))
		copy(handed, logs)
		handed = append(handed, places...)
		logs = handed
	}
	cmd, report, err := spawn(spec, prog, task, dir, logs)
	if err != nil {
		return nil, err
	}
	started, err := awaitReport(cmd, report)
	// The child is collected whenever it ends; until then it is only a number.
	go func() { _ = cmd.Wait() }()
	if err != nil {
		return nil, err
	}
	h := &Handle{
		state: State{
			Version:       started.Version,
			Place:         spec.Place,
			BootID:        proc.BootID(),
			ShimPID:       cmd.Process.Pid,
			ShimStartTime: started.ShimStartTime,
			PID:           started.PID,
			StartTime:     started.StartTime,
			StartedAt:     started.At,
			Cgroup:        spec.Cgroup,
			Marks:         spec.Marks,
		},
		warnings: started.Warnings,
		dir:      dir,
		done:     make(chan struct{}),
	}
	go h.watch(nil)
	return h, nil
}

func encodeSpec(spec *Spec) *wire.Spec {
	task := &wire.Spec{
		TaskID:         spec.TaskID,
		Path:           spec.Path,
		Args:           append([]string{spec.Path}, spec.Args...),
		Env:            spec.Env,
		WorkDir:        spec.WorkDir,
		NetNS:          spec.NetNS,
		CgroupV2:       spec.Cgroup.V2,
		CgroupV1:       spec.Cgroup.V1,
		CgroupRequired: spec.Cgroup.Required,
		CgroupOwned:    spec.Cgroup.Owned,
		CgroupMemory:   spec.Cgroup.Memory,
		StopSignal:     int(spec.StopSignal),
		StopGrace:      int64(spec.StopGrace),
	}
	if spec.Root != nil {
		root := spec.Root.Root
		root.Dirs = len(spec.Root.Places)
		task.Root = &root
	}
	if u := spec.User; u != nil {
		task.SwitchUser, task.UID, task.GID, task.Groups = true, u.UID, u.GID, u.Groups
	}
	if spec.OOMScoreAdj != nil {
		task.AdjustOOM, task.OOMScoreAdj = true, *spec.OOMScoreAdj
	}
	return task
}

// openLogs opens where the output goes and notes it in the task.
func openLogs(logs *Logs, task *wire.Spec) ([]*os.File, error) {
	if f := logs.Files; f != nil {
		task.Logs = wire.LogRotate
		task.StdoutPrefix, task.StderrPrefix = f.StdoutPrefix, f.StderrPrefix
		task.MaxFiles, task.MaxFileSize = f.MaxFiles, f.MaxFileSize
		fd, err := beneath.OpenDir(f.Dir.Base, f.Dir.Names...)
		if err != nil {
			return nil, fmt.Errorf("open log directory %s: %w", f.Dir, err)
		}
		return []*os.File{os.NewFile(uintptr(fd), "logs")}, nil
	}
	if len(logs.Pipes) == 0 {
		return nil, nil
	}
	task.Logs = wire.LogCopy
	var opened []*os.File
	for _, path := range logs.Pipes {
		// Reading as well means that opening never waits for a reader and that
		// the task survives a reader that goes away for a while.
		fd, err := beneath.Retry(func() (int, error) {
			return unix.Open(path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		})
		if err != nil {
			return opened, fmt.Errorf("open log pipe %s: %w", path, err)
		}
		f := os.NewFile(uintptr(fd), path)
		opened = append(opened, f)
		st, err := f.Stat()
		if err != nil {
			return opened, fmt.Errorf("open log pipe: %w", err)
		}
		if st.Mode()&os.ModeNamedPipe == 0 {
			return opened, fmt.Errorf("open log pipe %s: it is not a named pipe", path)
		}
	}
	return opened, nil
}

// openPlaces opens the directories of a root.
func openPlaces(root *Root) ([]*os.File, error) {
	if root == nil {
		return nil, nil
	}
	var opened []*os.File
	for _, place := range root.Places {
		fd, err := beneath.OpenDir(place.Base, place.Names...)
		if err != nil {
			return opened, fmt.Errorf("open %s: %w", place, err)
		}
		opened = append(opened, os.NewFile(uintptr(fd), "place"))
	}
	return opened, nil
}

// spawn starts the shim and gives it the task. The file returned delivers its
// report.
func spawn(spec *Spec, prog *program, task *wire.Spec, dir int, logs []*os.File) (*exec.Cmd, *os.File, error) {
	specOut, specIn, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start shim: %w", err)
	}
	defer specOut.Close()
	report, reportIn, err := os.Pipe()
	if err != nil {
		_ = specIn.Close()
		return nil, nil, fmt.Errorf("start shim: %w", err)
	}
	defer reportIn.Close()
	state, err := dupFile(dir)
	if err == nil {
		defer state.Close()
		cmd := &exec.Cmd{
			Path:        prog.path,
			Args:        append(slices.Clip(prog.args), spec.TaskID),
			Env:         prog.env,
			Dir:         "/",
			ExtraFiles:  append([]*os.File{specOut, reportIn, state}, logs...),
			SysProcAttr: &syscall.SysProcAttr{Setsid: true},
		}
		if cmd.Env == nil {
			cmd.Env = os.Environ()
		}
		if spec.Messages != nil {
			var messages *os.File
			if messages, err = dupFile(int(spec.Messages.Fd())); err == nil {
				defer messages.Close()
				cmd.Stdout, cmd.Stderr = messages, messages
			}
		}
		if err == nil {
			if err = cmd.Start(); err == nil {
				go func() {
					_, _ = specIn.Write(task.Encode())
					_ = specIn.Close()
				}()
				return cmd, report, nil
			}
		}
	}
	_ = specIn.Close()
	_ = report.Close()
	return nil, nil, fmt.Errorf("start shim: %w", err)
}

// awaitReport waits for the one answer of the shim.
func awaitReport(cmd *exec.Cmd, report *os.File) (*wire.Started, error) {
	defer report.Close()
	_ = report.SetReadDeadline(time.Now().Add(startLimit))
	body, err := io.ReadAll(report)
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("wait for the task to start: %w", err)
	}
	if len(body) == 0 {
		_ = cmd.Process.Kill()
		return nil, errors.New("the shim ended before it could start the task")
	}
	started, err := wire.DecodeStarted(body)
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("read the shim's report: %w", err)
	}
	if started.Error != "" || started.PID == 0 {
		return nil, &StartError{
			Exec:    started.Stage == wire.StageExec,
			Errno:   syscall.Errno(started.Errno),
			Message: started.Error,
		}
	}
	return started, nil
}

func dupFile(fd int) (*os.File, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(dup), "shim"), nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
