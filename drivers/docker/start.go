// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Repetition of calls that fail in a way that may pass.
const (
	callTries    = 5
	launchTries  = 3
	callPauseMin = 50 * time.Millisecond
	callPauseMax = time.Minute
)

// taskState is what a task handle carries: all that recovery needs.
type taskState struct {
	ContainerID   string                   `codec:"ContainerID"`
	DriverNetwork *drivers.NetworkOverride `codec:"DriverNetwork"`
	ImageID       string                   `codec:"ImageID"`
	// ImageBrought is the name by which the driver has brought the image, which
	// gives it the right to remove it; empty if it was there.
	ImageBrought string `codec:"ImageName"`
	TTY          bool   `codec:"TTY"`
}

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	if !d.reserve(config.ID) {
		return nil, nil, fmt.Errorf("task with ID %q already started", config.ID)
	}
	t, handle, err := d.start(ctx, config.Copy())
	d.settle(config.ID, t)
	if err != nil {
		return nil, nil, err
	}
	return handle, t.network, nil
}

func (d *Driver) start(ctx context.Context, config *drivers.TaskConfig) (*task, *drivers.TaskHandle, error) {
	plugin, _ := d.settings()
	var options taskConfig
	if err := config.DecodeDriverConfig(&options); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	if err := options.validate(); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	img, err := d.imageFor(ctx, config, &options, plugin)
	if err != nil {
		return nil, nil, err
	}
	t, handle, err := d.startContainer(ctx, &builder{driver: d, plugin: plugin, task: config, options: &options, image: img})
	if err != nil {
		d.images.release(img.id, config.ID)
		return nil, nil, err
	}
	return t, handle, nil
}

func (d *Driver) startContainer(ctx context.Context, b *builder) (_ *task, _ *drivers.TaskHandle, err error) {
	defer func() {
		if err != nil {
			d.letGo(b.task)
		}
	}()
	if err := b.build(); err != nil {
		return nil, nil, err
	}
	found, err := d.launch(ctx, &b.out)
	if err != nil {
		return nil, nil, err
	}
	id := found.ID
	t := newTask(d, b.task, id)
	t.tty = b.options.TTY
	t.image = b.image.id
	t.startedAt = engineTime(found.State.StartedAt)
	d.learnKeeper(found)
	t.network = override(found.NetworkSettings, b.options, b.portMap)
	handle, err := drivers.NewTaskHandle(handleVersion, b.task, &taskState{
		ContainerID: id, DriverNetwork: t.network, ImageID: b.image.id, ImageBrought: b.image.brought, TTY: t.tty,
	})
	if err != nil {
		d.discard(id)
		return nil, nil, err
	}
	t.begin(true)
	t.logger.Info("container started", "container_id", id)
	return t, handle, nil
}

// launch creates and starts a container, and returns how it is then. When an engine that ended has left a start half
// done, its parts may be at odds over the container for good: that one is given up for another.
func (d *Driver) launch(ctx context.Context, options *client.ContainerCreateOptions) (*container.InspectResponse, error) {
	for try := 1; ; try++ {
		id, err := d.create(ctx, options)
		if err != nil {
			return nil, failure("create container", err)
		}
		found, err := d.run(ctx, id)
		if err == nil {
			return found, nil
		}
		d.discard(id)
		if try == launchTries || !isHalfDone(err) {
			return nil, err
		}
		d.logger.Warn("container cannot be started any more, another one is made", "container_id", id, "error", err)
	}
}

// create creates the container. One of the same name that no task has is left
// from a start of which nobody learnt, and makes room.
func (d *Driver) create(ctx context.Context, options *client.ContainerCreateOptions) (string, error) {
	plugin, engine := d.settings()
	conflicts := 0
	var id string
	err := again(ctx, func(ctx context.Context) error {
		for {
			created, err := createContainer(ctx, engine, *options)
			if !errdefs.IsConflict(err) {
				id = created.ID
				for _, warning := range created.Warnings {
					d.logger.Debug("container created with a warning", "warning", warning, "name", options.Name)
				}
				return err
			}
			if conflicts++; conflicts > plugin.ContainerExistsAttempts {
				return err
			}
			if err := d.makeRoom(ctx, options.Name); err != nil {
				return err
			}
			// An engine that has just come up may keep a name for a moment that no container has any more.
			if err := run.Sleep(ctx, callPauseMin<<min(conflicts, 5)); err != nil {
				return err
			}
		}
	})
	return id, err
}

// makeRoom removes a container that has the name of one to be created.
func (d *Driver) makeRoom(ctx context.Context, name string) error {
	_, engine := d.settings()
	found, err := engine.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	switch {
	case notFound(err):
		return nil
	case err != nil:
		return err
	case d.known()[found.Container.ID]:
		return fmt.Errorf("container %s runs another task of the same name", name)
	}
	d.logger.Warn("container of an earlier start is removed", "container_id", found.Container.ID, "name", name)
	if err := d.removeContainer(ctx, found.Container.ID, false); err != nil && !says(err, "already in progress") {
		return err
	}
	return nil
}

// run starts a container and returns how it is then.
func (d *Driver) run(ctx context.Context, id string) (*container.InspectResponse, error) {
	_, engine := d.settings()
	err := again(ctx, func(ctx context.Context) error {
		_, err := engine.ContainerStart(ctx, id, client.ContainerStartOptions{})
		return err
	})
	if err != nil {
		return nil, failure("start container", err)
	}
	found, err := engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err == nil && found.Container.State == nil {
		err = errors.New("the engine does not tell its state")
	}
	if err != nil {
		return nil, failure("inspect container", err)
	}
	return &found.Container, nil
}

// discard removes a container that did not come to be a task.
func (d *Driver) discard(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := d.removeContainer(ctx, id, true); err != nil {
		d.logger.Warn("container that did not start cannot be removed", "container_id", id, "error", err)
	}
}

// removeContainer kills and removes a container, and what the engine has lost of it; one that is gone is no error.
func (d *Driver) removeContainer(ctx context.Context, id string, volumes bool) error {
	_, engine := d.settings()
	d.endUnseen(ctx, id)
	_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: volumes})
	if err != nil && !notFound(err) {
		return err
	}
	d.endLeft(id)
	d.noteRemoved(id)
	return nil
}

// failure says what failed, and marks what may pass. The engine reports
// mistakes of the task and its own in the same class, so texts decide.
func failure(what string, err error) error {
	// The network of a group may have gone down with the engine; it is made anew for the next start.
	recoverable := drivers.IsRecoverable(err) || unreachable(err) || isHalfDone(err) || says(err, "duplicate mount point", "no such image",
		"timeout", "error while dialing", "cannot join network of a non running container", "joining network namespace of container")
	return drivers.NewRecoverableError(fmt.Errorf("Failed to %s: %w", what, err), recoverable)
}

// again makes a call, repeatedly if it fails in a way that may pass. When an engine that ended has left a call half
// done, its next answer may be wrong for good, but not for a task that is started anew: such an error is recoverable.
func again(ctx context.Context, call func(context.Context) error) error {
	pause, broken := callPauseMin, false
	for try := 1; ; try++ {
		once, cancel := context.WithTimeout(ctx, callTimeout)
		err := call(once)
		cancel()
		broken = broken || unreachable(err)
		if err == nil || try == callTries || ctx.Err() != nil || !passing(err) || isTasksMistake(err) || isHalfDone(err) {
			return drivers.NewRecoverableError(err, broken)
		}
		if run.Sleep(ctx, pause) != nil {
			return err
		}
		pause = min(4*pause, callPauseMax)
	}
}

// isTasksMistake tells failures of which the engine speaks as its own although
// the next try fails as well.
func isTasksMistake(err error) bool {
	return says(err, "executable file not found", "no such file or directory", "permission denied", "exec format error",
		"port is already allocated", "address already in use", "unknown capability", "invalid", "not permitted", "oci runtime")
}

// isHalfDone tells that there is something of the start of a container already, which another start of it does not get rid of.
func isHalfDone(err error) bool { return says(err, ": already exists", "file exists") }

// engineTime reads a time of the engine; what it has not got yet is zero.
func engineTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1970 {
		return time.Time{}
	}
	return t
}
