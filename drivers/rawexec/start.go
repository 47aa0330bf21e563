// SPDX-License-Identifier: MPL-2.0

package rawexec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	settings := d.settings()
	if !settings.Enabled {
		return nil, nil, errors.New("raw_exec is disabled; set enabled = true in its plugin block to allow it")
	}
	handle, err := d.Start(ctx, config, settings.describe)
	return handle, nil, explain(err, config)
}

// explain says what it can mean that a task of another user than the agent's may not be started: the system does not
// tell the program from the way to it.
func explain(err error, config *drivers.TaskConfig) error {
	var failed *shim.StartError
	if config.User == "" || !errors.As(err, &failed) || !failed.Exec || !errors.Is(failed, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("user %q may not execute the program, or not enter its working directory because of the mode of a directory above it (alloc_dir of the client is above that of the task): %w", config.User, err)
}

// describe says what the shim has to do.
func (c *pluginConfig) describe(task *executor.Task, spec *shim.Spec) error {
	config := task.Config
	var options taskConfig
	if err := config.DecodeDriverConfig(&options); err != nil {
		return fmt.Errorf("task config: %w", err)
	}
	err := options.validate()
	if err == nil {
		err = c.checkPids(options.PidsLimit)
	}
	if err != nil {
		return fmt.Errorf("task config: %w", err)
	}
	if spec.User, err = executor.ResolveUser(config.User, c.denied); err != nil {
		return err
	}
	if spec.Path, err = findCommand(config.AllocDir, config.TaskDir(), options.Command); err != nil {
		return err
	}
	spec.Args = options.Args
	spec.Env = environment(config.Env, c.DeniedEnv, options.DeniedEnv)
	spec.WorkDir = options.WorkDir
	if spec.WorkDir == "" {
		spec.WorkDir = config.TaskDir()
	}
	// A privileged agent may itself be protected from the kernel's killer; its
	// tasks are not.
	if options.OOMScoreAdj > 0 || os.Geteuid() == 0 {
		spec.OOMScoreAdj = &options.OOMScoreAdj
	}
	if options.CgroupV2Override != "" || len(options.CgroupV1Override) > 0 {
		// Groups that the job itself names are used as they are.
		spec.Cgroup = cgroup.ForOverride(options.CgroupV2Override, options.CgroupV1Override)
		return nil
	}
	spec.Cgroup, err = task.Groups(executor.PidsLimit(c.PidsLimit, options.PidsLimit))
	return err
}
