// SPDX-License-Identifier: MPL-2.0

// Package isolated describes tasks that run in a root, in namespaces and with
// privileges of their own, for the drivers exec and java. It decides what such a
// task sees and may do; the shim carries it out.
//
// Nothing is copied: the task's directory is the root, and the directories of
// the host are shown in it read-only. See docs/design/2026-11-28-exec.md. The
// package must not import the agent.
package isolated

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Settings are what the agent's configuration says of isolation. NoPivotRoot and Denied are not of every driver.
type Settings struct {
	NoPivotRoot       bool            `codec:"no_pivot_root"`
	DefaultPIDMode    string          `codec:"default_pid_mode"`
	DefaultIPCMode    string          `codec:"default_ipc_mode"`
	DefaultUsernsMode string          `codec:"default_userns_mode"`
	DefaultUTSMode    string          `codec:"default_uts_mode"`
	AllowCaps         []string        `codec:"allow_caps"`
	Denied            executor.Denied `codec:"-"`
	PidsLimit         int64           `codec:"pids_limit"`
}

// Options are what a task says of it.
type Options struct {
	PidMode    string   `codec:"pid_mode"`
	IPCMode    string   `codec:"ipc_mode"`
	UsernsMode string   `codec:"userns_mode"`
	UTSMode    string   `codec:"uts_mode"`
	CapAdd     []string `codec:"cap_add"`
	CapDrop    []string `codec:"cap_drop"`
	WorkDir    string   `codec:"work_dir"`
	PidsLimit  int64    `codec:"pids_limit"`
}

// SettingsSchema is the schema of an agent's config block with the settings of every driver and its own.
func SettingsSchema(own hclspec.Fields) *hclspec.Spec {
	fields := hclspec.Fields{
		"default_pid_mode":    hclspec.AttrOr("default_pid_mode", "string", `"private"`),
		"default_ipc_mode":    hclspec.AttrOr("default_ipc_mode", "string", `"private"`),
		"default_userns_mode": hclspec.AttrOr("default_userns_mode", "string", `"host"`),
		"default_uts_mode":    hclspec.AttrOr("default_uts_mode", "string", `"private"`),
		"allow_caps":          hclspec.AttrOr("allow_caps", "list(string)", allowedByDefault),
		"pids_limit":          hclspec.Attr("pids_limit", "number"),
	}
	maps.Copy(fields, own)
	return hclspec.Object(fields)
}

// OptionsSchema is the schema of a task's config block with the options of every driver and its own.
func OptionsSchema(own hclspec.Fields) *hclspec.Spec {
	fields := hclspec.Fields{
		"pid_mode":    hclspec.Attr("pid_mode", "string"),
		"ipc_mode":    hclspec.Attr("ipc_mode", "string"),
		"userns_mode": hclspec.Attr("userns_mode", "string"),
		"uts_mode":    hclspec.Attr("uts_mode", "string"),
		"cap_add":     hclspec.Attr("cap_add", "list(string)"),
		"cap_drop":    hclspec.Attr("cap_drop", "list(string)"),
		"work_dir":    hclspec.Attr("work_dir", "string"),
		"pids_limit":  hclspec.Attr("pids_limit", "number"),
	}
	maps.Copy(fields, own)
	return hclspec.Object(fields)
}

// The modes of namespaces.
const (
	ModePrivate = "private"
	ModeHost    = "host"
)

// allowedByDefault are the capabilities that tasks may have unless the agent's
// configuration says otherwise, as an expression.
const allowedByDefault = `["audit_write", "chown", "dac_override", "fowner", "fsetid", "kill", "mknod",
	"net_bind_service", "setfcap", "setgid", "setpcap", "setuid", "sys_chroot"]`

// Validate checks the settings.
func (s *Settings) Validate() error {
	var errs []error
	for name, mode := range map[string]string{
		"default_pid_mode": s.DefaultPIDMode, "default_ipc_mode": s.DefaultIPCMode, "default_userns_mode": s.DefaultUsernsMode,
		"default_uts_mode": s.DefaultUTSMode,
	} {
		if mode != ModePrivate && mode != ModeHost {
			errs = append(errs, fmt.Errorf("%s must be %q or %q, got %q", name, ModePrivate, ModeHost, mode))
		}
	}
	if s.PidsLimit < 0 {
		errs = append(errs, fmt.Errorf("pids_limit must not be negative, is %d", s.PidsLimit))
	}
	if _, err := parseCapabilities(s.AllowCaps); err != nil {
		errs = append(errs, fmt.Errorf("allow_caps: %w", err))
	}
	return errors.Join(errs...)
}

// validate checks the options.
func (o *Options) validate(s *Settings) error {
	var errs []error
	for name, mode := range map[string]string{
		"pid_mode": o.PidMode, "ipc_mode": o.IPCMode, "userns_mode": o.UsernsMode, "uts_mode": o.UTSMode,
	} {
		if mode != "" && mode != ModePrivate && mode != ModeHost {
			errs = append(errs, fmt.Errorf("%s must be %q or %q, got %q", name, ModePrivate, ModeHost, mode))
		}
	}
	if o.WorkDir != "" && !path.IsAbs(o.WorkDir) {
		errs = append(errs, fmt.Errorf("work_dir must be absolute but got relative path %q", o.WorkDir))
	}
	return errors.Join(append(errs, executor.CheckPids(s.PidsLimit, o.PidsLimit))...)
}

// Describe says what the shim has to do. The command is looked for in the task's directories, in its mounts and in the
// usual places of the root.
func (s *Settings) Describe(task *executor.Task, spec *shim.Spec, command string, args []string, o *Options) error {
	if err := o.validate(s); err != nil {
		return fmt.Errorf("task config: %w", err)
	}
	config := task.Config
	who, env, err := executor.UserOf(config.User, s.Denied)
	if err != nil {
		return err
	}
	root, err := newRoot(config, spec.Place, mode(o.UTSMode, s.DefaultUTSMode) == ModePrivate)
	if err != nil {
		return err
	}
	root.NoPivot = s.NoPivotRoot
	root.PrivatePID = mode(o.PidMode, s.DefaultPIDMode) == ModePrivate
	root.PrivateIPC = mode(o.IPCMode, s.DefaultIPCMode) == ModePrivate
	if mode(o.UsernsMode, s.DefaultUsernsMode) == ModePrivate {
		if err := ownUsers(task, root, who); err != nil {
			return fmt.Errorf("task config: %w", err)
		}
	}
	if err := s.confine(root, who, o); err != nil {
		return fmt.Errorf("task config: %w", err)
	}
	root.Find, root.Fetched = places(command, config.Mounts)
	spec.Root, spec.User = root, who
	spec.Path, spec.Args = command, args
	spec.WorkDir = "/"
	if o.WorkDir != "" {
		spec.WorkDir = o.WorkDir
	}
	tell(env, config.Env, root)
	spec.Env = environment(config.Env, env)
	spec.OOMScoreAdj = new(int)
	spec.Cgroup, err = task.Groups(executor.PidsLimit(s.PidsLimit, o.PidsLimit))
	return err
}

func mode(task, plugin string) string {
	if task != "" {
		return task
	}
	return plugin
}

// environment is that of the task with what describes its user and its name, sorted by name.
func environment(vars map[string]string, own map[string]string) []string {
	env := make([]string, 0, len(vars)+len(own))
	for name, value := range vars {
		if _, ok := own[name]; !ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range own {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// confine sets what the task may do: root has the capabilities that it always
// had, within its root; others what the agent allows. In a user namespace root is one of the others, since with all
// capabilities it could undo what its mount namespace keeps from it.
func (s *Settings) confine(root *shim.Root, who *shim.User, o *Options) error {
	caps, err := effective(s.AllowCaps, o.CapAdd, o.CapDrop)
	if err != nil {
		return err
	}
	root.Bounding, root.Permitted, root.Inheritable, root.Ambient = caps, caps, caps, caps
	if who.UID == 0 && root.FirstID == 0 {
		all := historic & held()
		root.Bounding, root.Permitted, root.Inheritable, root.Ambient = all, all, 0, 0
	}
	root.NoNewPrivs = true
	root.Filter = newFilter(root.Bounding)
	return nil
}

// Explain says what it means that a task could not be started.
func Explain(err error, command string) error {
	var failed *shim.StartError
	if !errors.As(err, &failed) {
		return err
	}
	switch {
	case !failed.Exec && errors.Is(failed, syscall.EROFS):
		return fmt.Errorf("%w (what a task sees of the host is read-only: a volume or device there needs a directory or file of its name on the host, or another destination)", err)
	case !failed.Exec:
		return err
	case strings.HasPrefix(failed.Message, "execute "+command+": find "):
		return fmt.Errorf("command %q could not be found in the task's root: %w", command, err)
	case errors.Is(failed, fs.ErrPermission):
		return fmt.Errorf("command %q may not be executed by the task's user (a file from a template needs perms = \"0755\", its default is 0644; nothing is executed in /secrets, nor where the data_dir is mounted noexec): %w", command, err)
	}
	return err
}
