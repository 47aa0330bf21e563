// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// validate checks the task; earlier are the constraints of the job and the group.
func (t *Task) validate(c *checker, job *Job, g *TaskGroup, limits Limits, earlier *earlierConstraints) {
	t.validateName(c)
	c.check(t.Driver != "", "driver", "Missing task driver")
	c.check(t.KillTimeoutOrDefault() >= 0, "kill_timeout", "KillTimeout must be a positive value")
	c.check(t.ShutdownDelay >= 0, "shutdown_delay", "ShutdownDelay must be a positive value")
	if t.Resources == nil {
		c.failf("resources", "Missing task resources")
	} else {
		t.Resources.validate(c, t, limits)
	}
	t.validateLogs(c, g)
	for i, constraint := range t.Constraints {
		constraint.validate(c, i, constraintScopeTask)
	}
	validateConflicts(c, earlier, t.Constraints)
	validateAffinities(c, t.Affinities, job.Type)
	t.RestartPolicy.validate(c)
	c.environ("env", t.Env)
	c.environ("meta", t.Meta)
	if t.Lifecycle != nil {
		c.oneOf("lifecycle.hook", t.Lifecycle.Hook, HookPrestart, HookPoststart, HookPoststop)
		c.check(!t.Leader || t.Lifecycle.Hook == "", "leader", "Only a main task can be leader")
	}
	if limit := Val(updateOf(g).ProgressDeadline); job.Type == JobTypeService && limit > 0 {
		c.check(t.KillTimeoutOrDefault() <= limit, "kill_timeout",
			"KillTimeout (%v) longer than the group's ProgressDeadline (%v)", t.KillTimeoutOrDefault(), limit)
	}
	for i, s := range t.Services {
		s.validate(c, i, g, t)
	}
	t.validateCheckNames(c)
	for i, a := range t.Artifacts {
		a.validate(c, i)
	}
	t.validateTemplates(c)
	t.validateVault(c)
	if t.Consul != nil {
		t.Consul.validate(c)
	}
	t.validateIdentities(c)
	t.validateSecrets(c)
	t.validateActions(c)
	for i, m := range t.VolumeMounts {
		m.validate(c, i, g)
	}
	t.validateSmallBlocks(c)
}

// updateOf returns the group's update block, an empty one when it has none.
func updateOf(g *TaskGroup) *UpdateStrategy {
	if g.Update == nil {
		return &UpdateStrategy{}
	}
	return g.Update
}

func (t *Task) validateName(c *checker) {
	switch {
	case t.Name == "":
		c.failf("", "Missing task name")
	case t.Name == "alloc":
		c.failf("", `Task name can not be "alloc": the directory of that name is shared by the tasks`)
	case strings.ContainsAny(t.Name, `/\`):
		c.failf("", "Task name can not include slashes")
	case strings.Contains(t.Name, "\x00"):
		c.failf("", "Task name can not include null characters")
	case t.Name == "." || t.Name == "..":
		c.failf("", "Task name can not be %q: it names a directory", t.Name)
	}
}

func (t *Task) validateLogs(c *checker, g *TaskGroup) {
	l := t.LogConfig
	if l == nil {
		return
	}
	files := atLeast(c, "logs.max_files", l.MaxFilesOrDefault(), 1)
	size := atLeast(c, "logs.max_file_size", l.MaxFileSizeMBOrDefault(), 1)
	if !files || !size || l.Disabled || g.EphemeralDisk == nil {
		return
	}
	disk := g.DiskMB()
	// A division keeps absurd numbers from overflowing the product.
	fits := l.MaxFilesOrDefault() < disk && l.MaxFileSizeMBOrDefault() <= (disk-1)/l.MaxFilesOrDefault()
	c.check(fits, "logs", "log storage (%d files of %d MB) must be less than requested disk capacity (%d MB)",
		l.MaxFilesOrDefault(), l.MaxFileSizeMBOrDefault(), disk)
}

// maxResource is more MHz, MiB, cores or devices than any node has, and little enough that sums over the tasks of a
// group and the allocations of a node stay far from the largest number.
//
// Compat: the reference takes any number.
const maxResource = 1 << 40

// atMost notes a mistake when the value is beyond maxResource.
func atMost(c *checker, field string, value int) {
	c.check(value <= maxResource, field, "%s of %d is more than any node can have; the most is %d", lastOf(field), value, maxResource)
}

func (r *Resources) validate(c *checker, t *Task, limits Limits) {
	atMost(c, "resources.cpu", Val(r.CPU))
	atMost(c, "resources.cores", r.Cores)
	atMost(c, "resources.memory", Val(r.MemoryMB))
	atMost(c, "resources.memory_max", r.MemoryMaxMB)
	if r.Cores < 0 {
		c.failf("resources.cores", "Task can not ask for a negative number of cores")
	}
	if r.Cores > 0 {
		c.check(Val(r.CPU) == 0, "resources.cpu", "Task can only ask for 'cpu' or 'cores' resource, not both.")
	} else {
		c.check(r.CPUOrDefault() >= 1, "resources.cpu", "minimum CPU value is 1; got %d", r.CPUOrDefault())
	}
	memory := r.MemoryMBOrDefault()
	c.check(memory >= 10, "resources.memory", "minimum MemoryMB value is 10; got %d", memory)
	if r.MemoryMaxMB != 0 && r.MemoryMaxMB != -1 {
		c.check(r.MemoryMaxMB >= memory, "resources.memory_max", "MemoryMaxMB value (%d) should be larger than MemoryMB value (%d)", r.MemoryMaxMB, memory)
	}
	c.check(r.SecretsMB >= 0 && r.SecretsMB <= max(memory, 0), "resources.secrets", "SecretsMB value (%d) must be between 0 and MemoryMB value (%d)", r.SecretsMB, memory)
	names := make([]string, len(r.Devices))
	for i, d := range r.Devices {
		names[i] = d.Name
		d.validate(c, i)
	}
	if n := r.NUMA; n != nil {
		c.oneOf("resources.numa.affinity", n.Affinity, "none", "prefer", "require")
		for _, device := range n.Devices {
			c.check(slices.Contains(names, device), "resources.numa.devices", "numa device %q is not requested by the task", device)
		}
		c.check(!n.isUsed() || r.Cores > 0, "resources.numa", "numa affinity needs cores")
	}
	r.warn(c, t, limits)
}

func (r *Resources) warn(c *checker, t *Task, limits Limits) {
	if r.IOPS != 0 {
		c.warnf("resources.iops", "iops of task %q is deprecated and has no effect", t.Name)
	}
	if r.MemoryMaxMB != 0 && !limits.MemoryOversubscription {
		c.warnf("resources.memory_max", "Memory oversubscription is not enabled; memory_max of task %q is ignored", t.Name)
	}
	if len(r.Networks) > 0 {
		c.warnf("resources.network", "network of task %q is deprecated, use the group's network block", t.Name)
	}
	for _, n := range r.Networks {
		if n.MBits > 0 {
			c.warnf("resources.network.mbits", "mbits of task %q is deprecated and has no effect", t.Name)
		}
	}
}

func (d *RequestedDevice) validate(c *checker, index int) {
	c.within(c.at.block("resources.device", d.Name), fmt.Sprintf("Device %d validation failed", index+1), func(c *checker) {
		// What follows the second slash is the model, which may have slashes of its own: it is called as its plugin calls it.
		c.check(d.Name != "", "", "Device name must be type, vendor/type or vendor/type/model, got %q", d.Name)
		atLeast(c, "count", Or(d.Count, 1), 1)
		atMost(c, "count", Or(d.Count, 1))
		for i, constraint := range d.Constraints {
			constraint.validate(c, i, constraintScopeDevice)
		}
		for i, a := range d.Affinities {
			a.validate(c, i)
		}
	})
}

// escapes reports whether the path leads out of the directory named base that contains it.
func escapes(base, p string) bool {
	cleaned := path.Clean(base + "/" + p)
	return cleaned == ".." || strings.HasPrefix(cleaned, "../")
}

var (
	labelPattern    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	secretPattern   = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`)
	checksumLengths = map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
)

func (a *Artifact) validate(c *checker, index int) {
	c.within(c.at.item("artifact", index), fmt.Sprintf("Artifact %d validation failed", index+1), func(c *checker) {
		c.check(a.GetterSource != "", "source", "source must be specified")
		c.oneOf("mode", a.GetterMode, "any", "file", "dir")
		c.check(!escapes("task", a.RelativeDest), "destination", "destination escapes allocation directory")
		checksum, found := a.GetterOptions["checksum"]
		if !found || strings.Contains(checksum, "${") {
			return
		}
		kind, sum, _ := strings.Cut(strings.TrimSpace(checksum), ":")
		length, known := checksumLengths[kind]
		if !known || sum == "" {
			c.failf("options.checksum", `checksum must be given as "type:value" with type md5, sha1, sha256 or sha512; got %q`, checksum)
			return
		}
		isHex := strings.Trim(sum, "0123456789abcdefABCDEF") == ""
		c.check(isHex && len(sum) == length, "options.checksum", "checksum of type %q must have %d hexadecimal digits; got %q", kind, length, sum)
	})
}

func (t *Task) validateTemplates(c *checker) {
	seen := map[string]int{}
	for i, tpl := range t.Templates {
		tpl.validate(c, i)
		if tpl.VaultGrace != 0 {
			c.warnf(fmt.Sprintf("template[%d].vault_grace", i), "vault_grace of template %d of task %q is deprecated and has no effect", i+1, t.Name)
		}
		to := path.Clean("/" + tpl.DestPath) // one file may be written in many ways
		if other, found := seen[to]; found && tpl.DestPath != "" {
			c.failf("template", "Template %d has same destination as %d", i+1, other)
			continue
		}
		seen[to] = i + 1
	}
}

func (t *Template) validate(c *checker, index int) {
	c.within(c.at.item("template", index), fmt.Sprintf("Template %d validation failed", index+1), func(c *checker) {
		c.check(t.SourcePath != "" || t.EmbeddedTmpl != "", "", "Must specify a source path or have an embedded template")
		c.check(t.DestPath != "", "destination", "Must specify a destination for the template")
		c.check(!escapes("task", t.DestPath), "destination", "destination escapes allocation directory")
		c.oneOf("change_mode", t.ChangeMode, ChangeNoop, ChangeRestart, ChangeSignal, ChangeRun)
		switch t.ChangeMode {
		case ChangeSignal:
			c.check(t.ChangeSignal != "", "change_signal", "Must specify signal value when change mode is signal")
			c.check(!t.Envvars, "env", "cannot use signals with env var templates")
		case ChangeRun:
			c.check(t.ChangeScript != nil && t.ChangeScript.Command != "", "change_script", "must specify script command value when change mode is script")
		}
		if t.ChangeScript != nil {
			c.check(t.ChangeScript.Timeout >= 0, "change_script.timeout", "Change script timeout must not be negative")
		}
		c.check(Val(t.Splay) >= 0, "splay", "Must specify positive splay value")
		if _, err := strconv.ParseUint(t.Perms, 8, 12); t.Perms != "" && err != nil {
			c.failf("perms", "Failed to parse %q as octal: %v", t.Perms, err)
		}
		if w := t.Wait; w != nil {
			c.check(Val(w.Min) >= 0 && Val(w.Max) >= 0, "wait", "wait min and max must not be negative")
			c.check(w.Min == nil || w.Max == nil || *w.Min <= *w.Max, "wait", "wait min %v is greater than max %v", Val(w.Min), Val(w.Max))
		}
	})
}

func (t *Task) validateVault(c *checker) {
	v := t.Vault
	if v == nil {
		return
	}
	c.oneOf("vault.change_mode", v.ChangeMode, ChangeNoop, ChangeSignal, ChangeRestart)
	c.check(v.ChangeMode != ChangeSignal || v.ChangeSignal != "", "vault.change_signal", "Signal must be specified when using change mode %q", ChangeSignal)
	c.check(v.Namespace == "", "vault.namespace", "Vault namespaces are not available")
}

func (t *Task) validateIdentities(c *checker) {
	names := map[string]bool{}
	if t.Identity != nil {
		names[t.Identity.Name] = true
		t.Identity.validate(c, t)
	}
	for _, id := range t.Identities {
		c.check(!names[id.Name], "identity", "Identity %q already exists", id.Name)
		names[id.Name] = true
		id.validate(c, t)
	}
}

func (w *WorkloadIdentity) validate(c *checker, t *Task) {
	c.within(c.at.block("identity", w.Name), fmt.Sprintf("Identity %q is invalid", w.Name), func(c *checker) {
		c.check(labelPattern.MatchString(w.Name), "name", "invalid name %q: must be 1 to 128 letters, digits, - or _", w.Name)
		c.check(!slices.Contains(w.Audience, ""), "aud", "an empty string is an invalid audience")
		c.oneOf("change_mode", w.ChangeMode, "", ChangeNoop, ChangeSignal, ChangeRestart)
		c.check((w.ChangeMode == ChangeSignal) == (w.ChangeSignal != ""), "change_signal", "change_signal must be set if and only if change_mode is %q", ChangeSignal)
		c.check(w.TTL >= 0, "ttl", "ttl must be >= 0")
		c.check(w.Name != DefaultIdentityName || w.TTL == 0, "ttl", "ttl is not supported on the default identity")
		c.check(w.Filepath == "" || w.File, "filepath", "filepath needs file")
		w.warn(c, t)
	})
}

func (w *WorkloadIdentity) warn(c *checker, t *Task) {
	if len(w.Audience) == 0 {
		c.warnf("aud", "identity %q of task %q has no audience", w.Name, t.Name)
	}
	if len(w.Audience) > 1 {
		c.warnf("aud", "identity %q of task %q has several audiences, any of them may use it to impersonate the task at the others", w.Name, t.Name)
	}
	if w.Name != DefaultIdentityName && w.TTL == 0 {
		c.warnf("ttl", "identity %q of task %q has no ttl, it never expires", w.Name, t.Name)
	}
	if w.Env && w.TTL > 0 && w.ChangeMode != ChangeRestart {
		c.warnf("env", "identity %q of task %q is given by environment, which stays as it was unless change_mode is %q", w.Name, t.Name, ChangeRestart)
	}
	if strings.HasPrefix(w.Name, "vault_") && t.Vault == nil {
		c.warnf("name", "identity %q of task %q is for Vault, but the task has no vault block", w.Name, t.Name)
	}
}

func (t *Task) validateSecrets(c *checker) {
	names := map[string]bool{}
	for _, s := range t.Secrets {
		c.check(!names[s.Name], "secret", "Secret %q already exists", s.Name)
		names[s.Name] = true
		c.within(c.at.block("secret", s.Name), fmt.Sprintf("Secret %q is invalid", s.Name), func(c *checker) {
			c.check(secretPattern.MatchString(s.Name), "", "invalid name %q: must be 1 to 128 letters, digits or _", s.Name)
			c.check(s.Provider != "", "provider", "secret provider must be set")
			c.check(s.Path != "", "path", "secret path must be set")
			builtin := s.Provider == "nomad" || s.Provider == "vault"
			c.check(builtin || len(s.Config) == 0, "config", "only the providers nomad and vault take a config")
			c.check(!builtin || len(s.Env) == 0, "env", "only plugin providers take an environment")
			c.check(s.Provider != "vault" || t.Vault != nil, "provider", "provider vault needs a vault block")
		})
	}
}

func (t *Task) validateActions(c *checker) {
	names := map[string]bool{}
	for _, a := range t.Actions {
		at := `action["` + a.Name + `"]`
		valid := a.Name != "" && len(a.Name) <= 128 && !strings.ContainsFunc(a.Name, unicode.IsSpace)
		c.check(valid, at, "Action name %q must be 1 to 128 characters without white space", a.Name)
		c.check(!names[a.Name], at, "Action %q already exists", a.Name)
		c.check(a.Command != "", at+".command", "Action %q has no command", a.Name)
		names[a.Name] = true
	}
}

func (t *Task) validateSmallBlocks(c *checker) {
	if p := t.DispatchPayload; p != nil {
		c.check(!escapes(".", p.File), "dispatch_payload.file", "destination escapes the task's local directory")
		c.check(p.File != "", "dispatch_payload.file", "dispatch_payload needs a file")
	}
	if p := t.CSIPluginConfig; p != nil {
		c.check(p.ID != "", "csi_plugin.id", "CSIPluginConfig must have a non-empty PluginID")
		c.oneOf("csi_plugin.type", p.Type, "node", "controller", "monolith")
		stage, mount := path.Clean("/"+p.StagePublishBaseDir), path.Clean("/"+p.MountDir)
		c.check(stage != mount && !strings.HasPrefix(stage, mount+"/"), "csi_plugin.stage_publish_base_dir",
			"stage_publish_base_dir %q must not be below mount_dir %q", p.StagePublishBaseDir, p.MountDir)
	}
	types := map[string]bool{}
	for _, p := range t.ScalingPolicies {
		if c.oneOf("scaling.type", p.Type, "vertical_cpu", "vertical_mem") {
			c.check(!types[p.Type], "scaling", "Task has more than one scaling policy of type %q", p.Type)
			c.warnf("scaling", "vertical scaling of task %q has no effect, only groups are scaled", t.Name)
		}
		types[p.Type] = true
	}
	if kind, value, found := strings.Cut(t.Kind, ":"); t.Kind != "" {
		c.check(found && kind != "" && value != "", "kind", "Task kind must be <kind>:<value>, got %q", t.Kind)
	}
}
