// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/shim/beneath"
	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// shutdownGrace is how long a task has to end when its shim is terminated from
// outside, as when the machine shuts down.
const shutdownGrace = 30 * time.Second

// messagesFile is Task.Messages unless a driver has its own.
const messagesFile = "executor.out"

// Start starts a task as described, and counts it as known. describe fills in
// what is the driver's own in a specification that has the rest.
func (t *Tasks) Start(ctx context.Context, config *drivers.TaskConfig, describe func(task *Task, spec *shim.Spec) error) (*drivers.TaskHandle, error) {
	if !t.Reserve(config.ID) {
		return nil, fmt.Errorf("task with ID %q already started", config.ID)
	}
	task := t.NewTask(config)
	handle, err := task.start(ctx, describe)
	if err != nil {
		task = nil
	}
	t.Settle(config.ID, task)
	return handle, err
}

func (t *Task) start(ctx context.Context, describe func(task *Task, spec *shim.Spec) error) (*drivers.TaskHandle, error) {
	spec, err := newSpec(t.Config)
	if err != nil {
		return nil, err
	}
	if err := describe(t, spec); err != nil {
		return nil, err
	}
	if messages, err := t.openMessages(); err != nil {
		t.Logger.Warn("messages about the task are not kept", "error", err)
	} else {
		defer messages.Close()
		spec.Messages = messages
	}
	// An earlier process of this plugin may have died after it started the
	// task and before anybody learnt of it.
	if err := shim.Reclaim(ctx, spec.Place); err != nil {
		return nil, drivers.NewRecoverableError(fmt.Errorf("end an earlier start of the task: %w", err), true)
	}
	h, err := shim.Start(spec)
	if err != nil {
		return nil, startError(err)
	}
	for _, warning := range h.Warnings() {
		t.Logger.Warn("task started without something", "error", warning)
	}
	t.handle = h
	handle, err := drivers.NewTaskHandle(handleVersion, t.Config, &taskState{
		Shim: h.State(), TaskDir: t.Config.TaskDir(),
	})
	if err != nil {
		return nil, errors.Join(err, h.Destroy(ctx, true))
	}
	t.Logger.Info("task started", "pid", h.PID())
	return handle, nil
}

// newSpec says what does not depend on the driver.
func newSpec(config *drivers.TaskConfig) (*shim.Spec, error) {
	logs, err := logsOf(config)
	if err != nil {
		return nil, err
	}
	spec := &shim.Spec{
		TaskID: config.ID, Place: statePlace(config), Logs: logs,
		StopSignal: DefaultStopSignal, StopGrace: shutdownGrace,
	}
	if network := config.NetworkIsolation; network != nil && network.Mode != drivers.NetworkIsolationHost {
		spec.NetNS = network.Path
	}
	for _, name := range []string{"NOMAD_ALLOC_ID", "NOMAD_TASK_NAME"} {
		if value, ok := config.Env[name]; ok {
			spec.Marks = append(spec.Marks, name+"="+value)
		}
	}
	if len(spec.Marks) < 2 {
		spec.Marks = nil
	}
	return spec, nil
}

// startError marks failures that another try may not meet. A program that
// cannot be executed stays that way.
func startError(err error) error {
	if failed, ok := errors.AsType[*shim.StartError](err); ok && failed.Exec {
		return fmt.Errorf("start task: %w%s", err, meaning(failed))
	}
	if errors.Is(err, shim.ErrUnsupported) {
		return fmt.Errorf("start task: %w", err)
	}
	return drivers.NewRecoverableError(fmt.Errorf("start task: %w", err), true)
}

// meaning is what the system's reasons not to execute a file that is there
// leave open.
func meaning(failed *shim.StartError) string {
	switch {
	case errors.Is(failed, syscall.ENOEXEC):
		return ` (it is made for another kind of machine, or is a script without "#!" in its first line)`
	case errors.Is(failed, fs.ErrNotExist) && !strings.Contains(failed.Message, ": find ") && !strings.Contains(failed.Message, ": enter the working directory "):
		return " (the file is there; missing is the interpreter that the first line of a script names, or the loader that a program is made for)"
	}
	return ""
}

// statePlace is where the shim of a start attempt keeps its socket and record.
func statePlace(config *drivers.TaskConfig) shim.Place {
	attempt := config.ID[strings.LastIndexByte(config.ID, '/')+1:]
	if !beneath.PlainName(attempt) || len(attempt) > 64 {
		sum := sha256.Sum256([]byte(config.ID))
		attempt = hex.EncodeToString(sum[:8])
	}
	names := []string{config.Name, "private", "shim-" + attempt}
	if st, err := os.Lstat(filepath.Join(config.TaskDir(), "private")); err != nil || !st.IsDir() {
		// Hosts before the directory was introduced.
		names = []string{config.Name, ".shim-" + attempt}
	}
	return shim.Place{Base: config.AllocDir, Names: names}
}

// logDir are the names below an allocation's directory that lead to its logs.
var logDir = []string{"alloc", "logs"}

// logsOf decides what becomes of the output: nothing if the host wants none,
// numbered files if the host left a note that says so, else the host's pipes.
func logsOf(config *drivers.TaskConfig) (shim.Logs, error) {
	if config.StdoutPath == os.DevNull && config.StderrPath == os.DevNull {
		return shim.Logs{}, nil
	}
	note, err := logspec.Read(config.AllocDir, logDir, config.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return shim.Logs{Pipes: []string{config.StdoutPath, config.StderrPath}}, nil
	case err != nil:
		return shim.Logs{}, err
	case note.Disabled:
		return shim.Logs{}, nil
	}
	return shim.Logs{Files: &shim.LogFiles{
		Dir:          shim.Place{Base: config.AllocDir, Names: logDir},
		StdoutPrefix: note.StdoutPrefix,
		StderrPrefix: note.StderrPrefix,
		MaxFiles:     note.MaxFiles,
		MaxFileSize:  note.MaxFileSizeBytes,
	}}, nil
}

func (t *Task) openMessages() (*os.File, error) {
	dir, err := rotate.OpenDir(t.Config.AllocDir, t.Config.Name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenAppend(t.Messages)
}

// Groups makes the control groups of a task ready and returns them. What could
// not be done is logged: a task runs without a part of them as well, but for a
// limit on its processes, which somebody has asked for.
func (t *Task) Groups(pids int64) (cgroup.Group, error) {
	group := t.groups(func(limits *cgroup.Limits) { limits.PIDs = pids })
	if pids > 0 && !group.BoundsProcesses(pids) {
		return group, fmt.Errorf("pids_limit %d cannot be kept: the client has no control group for the task that limits processes", pids)
	}
	return group, nil
}

// GroupsOfMachine is Groups for a task that is a machine: what it was given is
// the memory of its guest, and what serves that comes on top.
func (t *Task) GroupsOfMachine() cgroup.Group {
	return t.groups(func(limits *cgroup.Limits) { limits.MemoryMax = -1 })
}

func (t *Task) groups(change func(*cgroup.Limits)) cgroup.Group {
	resources := t.Config.Resources
	if resources == nil || resources.Linux == nil {
		return cgroup.Group{}
	}
	limits := cgroup.Limits{
		CPU:       resources.CPUShares,
		Memory:    resources.MemoryMB * mebibyte,
		MemoryMax: resources.MemoryMaxMB * mebibyte,
		Cores:     resources.Linux.CpusetCpus,
	}
	change(&limits)
	group, problems := cgroup.ForTask(resources.Linux.CpusetCgroup, t.Config.AllocID, t.Config.Name).Prepare(limits)
	for _, problem := range problems {
		t.Logger.Warn("task runs without a part of its control group", "error", problem)
	}
	return group
}

// mebibyte is the unit of memory in resources.
const mebibyte = 1 << 20
