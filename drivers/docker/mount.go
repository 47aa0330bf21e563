// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/types/mount"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// bind adds a file or directory that the agent or the driver has made for the task.
func (b *builder) bind(source, target string, readonly bool) {
	options := []string{}
	if readonly {
		options = append(options, "ro")
	}
	if label := b.plugin.Volumes.SELinuxLabel; label != "" {
		options = append(options, label)
	}
	spec := source + ":" + target
	if len(options) > 0 {
		spec += ":" + strings.Join(options, ",")
	}
	b.out.HostConfig.Binds = append(b.out.HostConfig.Binds, spec)
}

// mounts adds all that the container sees of the host.
func (b *builder) mounts() error {
	env := func(name, fallback string) string {
		if path := b.task.Env[name]; path != "" {
			return path
		}
		return fallback
	}
	shared := env("NOMAD_ALLOC_DIR", "/alloc")
	b.bind(b.task.SharedDir(), shared, false)
	b.bind(b.task.LocalDir(), env("NOMAD_TASK_DIR", "/local"), false)
	b.bind(b.task.SecretsDir(), env("NOMAD_SECRETS_DIR", "/secrets"), false)
	b.bind(filepath.Join(b.task.SharedDir(), "logs"), filepath.Join(shared, "logs"), true)

	var errs []error
	for _, volume := range b.options.Volumes {
		errs = append(errs, b.volume(volume))
	}
	if b.options.VolumeDriver != "" && !b.plugin.Volumes.Enabled {
		errs = append(errs, errVolumesDisabled)
	}
	for i := range b.options.Mount {
		errs = append(errs, b.mount(&b.options.Mount[i]))
	}
	for i := range b.options.Mounts {
		errs = append(errs, b.mount(&b.options.Mounts[i]))
	}
	for _, m := range b.task.Mounts {
		if m.SELinuxLabel != "" {
			b.out.HostConfig.Binds = append(b.out.HostConfig.Binds, labelledVolume(m))
			continue
		}
		b.out.HostConfig.Mounts = append(b.out.HostConfig.Mounts, volumeOfHost(m))
	}
	return errors.Join(errs...)
}

var errVolumesDisabled = errors.New(`volumes are not enabled; set volumes { enabled = true } in the docker plugin block`)

// volumeOfHost is a volume that the agent has prepared.
func volumeOfHost(m *drivers.Mount) mount.Mount {
	return mount.Mount{
		Type: mount.TypeBind, Source: m.HostPath, Target: m.TaskPath, ReadOnly: m.Readonly,
		BindOptions: &mount.BindOptions{Propagation: propagationOf(m)},
	}
}

// labelledVolume is a volume whose files the engine is to label anew, which only the short form can ask for.
func labelledVolume(m *drivers.Mount) string {
	options := []string{string(propagationOf(m)), m.SELinuxLabel}
	if m.Readonly {
		options = append(options, "ro")
	}
	return m.HostPath + ":" + m.TaskPath + ":" + strings.Join(options, ",")
}

func propagationOf(m *drivers.Mount) mount.Propagation {
	switch m.Propagation {
	case drivers.PropagationHostToTask:
		return mount.PropagationRSlave
	case drivers.PropagationBidirectional:
		return mount.PropagationRShared
	}
	return mount.PropagationRPrivate
}

// hostPath returns the path by which the engine is told of the source of a mount.
func (b *builder) hostPath(source string, create bool) (string, error) {
	if !filepath.IsAbs(source) {
		source = filepath.Join(b.task.TaskDir(), source)
	}
	return b.source(filepath.Clean(source), create)
}

// source returns the path by which the engine is told of a file or directory of this machine, and refuses what lies
// outside the allocation unless the operator allows it. Tasks can put links into their directories at any moment, so where
// a path leads now counts, not how it looks, and the engine is told of what is there by a path that tasks cannot change.
// If there is nothing, a directory is made or it is an error.
func (b *builder) source(path string, create bool) (string, error) {
	if b.plugin.Volumes.Enabled {
		return path, nil
	}
	dir, name, ok := within(b.task.AllocDir, path)
	if !ok {
		return "", fmt.Errorf("source %q is outside the allocation directory: %w", path, errVolumesDisabled)
	}
	held, err := b.hold(dir, name, create)
	switch {
	case err != nil:
		return "", fmt.Errorf("source %q: %w", path, err)
	case held == "":
		return path, nil
	}
	return held, nil
}

// volume adds an entry "source:target[:mode]" of volumes.
func (b *builder) volume(spec string) error {
	parts := strings.Split(spec, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return fmt.Errorf("volume %q is not source:target[:mode]", spec)
	}
	if b.options.VolumeDriver == "" {
		source, err := b.hostPath(parts[0], true)
		if err != nil {
			return fmt.Errorf("volume %q: %w", spec, err)
		}
		parts[0] = source
	}
	if label := b.plugin.Volumes.SELinuxLabel; label != "" {
		if len(parts) == 3 {
			parts[2] += "," + label
		} else {
			parts = append(parts, label)
		}
	}
	b.out.HostConfig.Binds = append(b.out.HostConfig.Binds, strings.Join(parts, ":"))
	return nil
}

// mount adds a mount block.
func (b *builder) mount(m *mountConfig) error {
	out := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.Readonly}
	failed := func(err error) error { return fmt.Errorf("mount %q: %w", m.Target, err) }
	switch out.Type {
	case mount.TypeBind:
		source, err := b.hostPath(m.Source, false)
		if err != nil {
			return failed(err)
		}
		out.Source = source
		if m.BindOptions.Propagation != "" {
			out.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(m.BindOptions.Propagation)}
		}
	case mount.TypeTmpfs:
		if m.Source != "" {
			return failed(errors.New("a tmpfs has no source"))
		}
		if m.TmpfsOptions.Size != 0 || m.TmpfsOptions.Mode != 0 {
			out.TmpfsOptions = &mount.TmpfsOptions{
				SizeBytes: m.TmpfsOptions.Size, Mode: fs.FileMode(m.TmpfsOptions.Mode),
			}
		}
	case mount.TypeVolume:
		if !b.plugin.Volumes.Enabled {
			return failed(errVolumesDisabled)
		}
		if v := m.VolumeOptions; v != nil {
			out.VolumeOptions = &mount.VolumeOptions{NoCopy: v.NoCopy, Labels: v.Labels}
			if d := v.DriverConfig; d != nil {
				out.VolumeOptions.DriverConfig = &mount.Driver{Name: d.Name, Options: d.Options}
			}
		}
	default:
		return failed(fmt.Errorf("type must be volume, bind or tmpfs, not %q", m.Type))
	}
	b.out.HostConfig.Mounts = append(b.out.HostConfig.Mounts, out)
	return nil
}
