// SPDX-License-Identifier: MPL-2.0

package rawexec

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

// messagesFile is where the shim says what goes wrong, in the task directory.
const messagesFile = "executor.out"

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	settings := d.settings()
	if !settings.Enabled {
		return nil, nil, errors.New("raw_exec is disabled; set enabled = true in its plugin block to allow it")
	}
	if !d.reserve(config.ID) {
		return nil, nil, fmt.Errorf("task with ID %q already started", config.ID)
	}
	t, handle, err := d.start(ctx, &settings, config)
	d.settle(config.ID, t)
	return handle, nil, err
}

func (d *Driver) start(ctx context.Context, settings *pluginConfig, config *drivers.TaskConfig) (
	*task, *drivers.TaskHandle, error,
) {
	logger := d.logger.With("alloc_id", config.AllocID, "task", config.Name)
	var options taskConfig
	if err := config.DecodeDriverConfig(&options); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	if err := options.validate(); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	spec, err := newSpec(settings, config, &options)
	if err != nil {
		return nil, nil, err
	}
	var problems []error
	spec.Cgroup, problems = groups(config, &options)
	for _, problem := range problems {
		logger.Warn("task runs without a part of its control group", "error", problem)
	}
	if messages, err := openMessages(config); err != nil {
		logger.Warn("messages about the task are not kept", "error", err)
	} else {
		defer messages.Close()
		spec.Messages = messages
	}
	// An earlier process of this plugin may have died after it started the
	// task and before anybody learnt of it.
	if err := shim.Reclaim(ctx, spec.Place); err != nil {
		return nil, nil, drivers.NewRecoverableError(fmt.Errorf("end an earlier start of the task: %w", err), true)
	}
	h, err := shim.Start(spec)
	if err != nil {
		return nil, nil, startError(err)
	}
	for _, warning := range h.Warnings() {
		logger.Warn("task started without something", "error", warning)
	}
	t := &task{config: config, handle: h, logger: logger}
	handle, err := drivers.NewTaskHandle(handleVersion, config, &taskState{
		Shim: h.State(), TaskDir: config.TaskDir(),
	})
	if err != nil {
		return nil, nil, errors.Join(err, h.Destroy(ctx, true))
	}
	logger.Info("task started", "pid", h.PID())
	return t, handle, nil
}

// startError marks failures that another try may not meet. A program that
// cannot be executed stays that way.
func startError(err error) error {
	var failed *shim.StartError
	if errors.As(err, &failed) && failed.Exec || errors.Is(err, shim.ErrUnsupported) {
		return fmt.Errorf("start task: %w", err)
	}
	return drivers.NewRecoverableError(fmt.Errorf("start task: %w", err), true)
}

// newSpec says what the shim has to do, but for the control groups.
func newSpec(settings *pluginConfig, config *drivers.TaskConfig, options *taskConfig) (*shim.Spec, error) {
	who, err := resolveUser(config.User, settings)
	if err != nil {
		return nil, err
	}
	path, err := findCommand(config.TaskDir(), options.Command)
	if err != nil {
		return nil, err
	}
	logs, err := logsOf(config)
	if err != nil {
		return nil, err
	}
	spec := &shim.Spec{
		TaskID:     config.ID,
		Place:      statePlace(config),
		Path:       path,
		Args:       options.Args,
		Env:        environment(config.Env, settings.DeniedEnv, options.DeniedEnv),
		WorkDir:    options.WorkDir,
		User:       who,
		Logs:       logs,
		StopSignal: defaultStopSignal,
		StopGrace:  shutdownGrace,
	}
	if spec.WorkDir == "" {
		spec.WorkDir = config.TaskDir()
	}
	// A privileged agent may itself be protected from the kernel's killer; its
	// tasks are not.
	if options.OOMScoreAdj > 0 || os.Geteuid() == 0 {
		spec.OOMScoreAdj = &options.OOMScoreAdj
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

func openMessages(config *drivers.TaskConfig) (*os.File, error) {
	dir, err := rotate.OpenDir(config.AllocDir, config.Name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenAppend(messagesFile)
}

// mebibyte is the unit of memory in resources.
const mebibyte = 1 << 20

// groups returns the control groups of a task, made ready, and what could not be
// done. Groups that the job itself names are used as they are.
func groups(config *drivers.TaskConfig, options *taskConfig) (cgroup.Group, []error) {
	if options.CgroupV2Override != "" || len(options.CgroupV1Override) > 0 {
		return cgroup.ForOverride(options.CgroupV2Override, options.CgroupV1Override), nil
	}
	resources := config.Resources
	if resources == nil || resources.Linux == nil {
		return cgroup.Group{}, nil
	}
	limits := cgroup.Limits{
		CPU:       resources.CPUShares,
		Memory:    resources.MemoryMB * mebibyte,
		MemoryMax: resources.MemoryMaxMB * mebibyte,
		Cores:     resources.Linux.CpusetCpus,
	}
	return cgroup.ForTask(resources.Linux.CpusetCgroup, config.AllocID, config.Name).Prepare(limits)
}
