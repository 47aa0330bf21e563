// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func updating(u UpdateStrategy) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.Update = &u }
}

func restarting(p RestartPolicy) editJob {
	return func(_ *Job, g *TaskGroup, t *Task) {
		g.RestartPolicy = &p
		t.RestartPolicy = defaultRestart("service") // else the task repeats the complaint
	}
}

func rescheduling(p ReschedulePolicy) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.ReschedulePolicy = &p }
}

// limited returns a reschedule policy that is fine, for one mistake to be made in it.
func limited(edit func(*ReschedulePolicy)) editJob {
	p := ReschedulePolicy{
		Attempts: new(3), Interval: new(time.Hour), Delay: new(10 * time.Second), DelayFunction: DelayConstant,
		MaxDelay: new(time.Duration(0)), Unlimited: new(false),
	}
	edit(&p)
	return rescheduling(p)
}

func migrating(m Migrate) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.Migrate = &m }
}

var policyRules = []rule{
	{"update", updating(UpdateStrategy{MaxParallel: new(0), ProgressDeadline: new(time.Duration(0)), Canary: new(1), AutoPromote: new(true)}), "", ""},
	{"update of batch", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "batch"; g.Update = &UpdateStrategy{} }, "G.update", "does not allow update block"},
	{"job update of batch", func(j *Job, _ *TaskGroup, _ *Task) { j.Type = "batch"; j.Update = &UpdateStrategy{MaxParallel: new(1)} }, "G.update", "does not allow update block"},
	{"max_parallel", updating(UpdateStrategy{MaxParallel: new(-1)}), "G.update.max_parallel", "less than zero"},
	{"health_check", updating(UpdateStrategy{HealthCheck: "x"}), "G.update.health_check", "task_states"},
	{"min_healthy_time", updating(UpdateStrategy{MinHealthyTime: new(-time.Second)}), "G.update.min_healthy_time", "less than zero"},
	{"min_healthy_time and deadline", updating(UpdateStrategy{MinHealthyTime: new(time.Second), HealthyDeadline: new(time.Second)}), "G.update.min_healthy_time", "less than healthy deadline"},
	{"healthy_deadline 0", updating(UpdateStrategy{HealthyDeadline: new(time.Duration(0))}), "G.update.healthy_deadline", "greater than zero"},
	{"healthy_deadline and progress", updating(UpdateStrategy{HealthyDeadline: new(10 * time.Minute)}), "G.update.healthy_deadline", "less than progress deadline"},
	{"progress_deadline", updating(UpdateStrategy{ProgressDeadline: new(-time.Second)}), "G.update.progress_deadline", "zero or greater"},
	{"canary", updating(UpdateStrategy{Canary: new(-1)}), "G.update.canary", "less than zero"},
	{"canary of system", func(j *Job, g *TaskGroup, _ *Task) {
		j.Type = "system"
		g.Update = &UpdateStrategy{MaxParallel: new(1), Canary: new(101)}
	}, "G.update.canary", "percentage"},
	{"auto_promote", updating(UpdateStrategy{AutoPromote: new(true)}), "G.update.auto_promote", "Canary count"},
	{"stagger", updating(UpdateStrategy{Stagger: new(time.Duration(0))}), "G.update.stagger", "greater than zero"},
	{"kill_timeout above progress", func(_ *Job, _ *TaskGroup, t *Task) { t.KillTimeout = new(time.Hour) }, "T.kill_timeout", "ProgressDeadline"},
	{"kill_timeout of batch", func(j *Job, _ *TaskGroup, t *Task) { j.Type = "batch"; t.KillTimeout = new(time.Hour) }, "", ""},

	{"restart attempts 0", restarting(RestartPolicy{Attempts: new(0)}), "", ""},
	{"restart delay with 0", restarting(RestartPolicy{Attempts: new(0), Mode: "delay"}), "G.restart.mode", "ambiguous"},
	{"restart mode", restarting(RestartPolicy{Mode: "x"}), "G.restart.mode", `"fail"`},
	{"restart interval", restarting(RestartPolicy{Attempts: new(0), Interval: new(4 * time.Second)}), "G.restart.interval", "less than 5s"},
	{"restart delay too long", restarting(RestartPolicy{Attempts: new(3), Interval: new(time.Minute), Delay: new(21 * time.Second)}), "G.restart", "can't restart"},
	{"restart delay fits", restarting(RestartPolicy{Attempts: new(3), Interval: new(time.Minute), Delay: new(20 * time.Second)}), "", ""},
	{"restart attempts", restarting(RestartPolicy{Attempts: new(-1)}), "G.restart.attempts", "less than zero"},
	{"task restart", func(_ *Job, _ *TaskGroup, t *Task) { t.RestartPolicy = &RestartPolicy{Mode: "x"} }, "T.restart.mode", `"fail"`},

	{"reschedule limited", limited(func(*ReschedulePolicy) {}), "", ""},
	{"reschedule off", rescheduling(ReschedulePolicy{Unlimited: new(false), DelayFunction: "x"}), "", ""},
	{"reschedule attempts of service", rescheduling(ReschedulePolicy{Attempts: new(1)}), "G.reschedule", "unlimited = false"},
	{"reschedule of system", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "system"; g.ReschedulePolicy = &ReschedulePolicy{} }, "G.reschedule", "does not allow reschedule"},
	{"reschedule job level of sysbatch", func(j *Job, _ *TaskGroup, _ *Task) { j.Type = "sysbatch"; j.Reschedule = &ReschedulePolicy{} }, "G.reschedule", "does not allow reschedule"},
	{"reschedule function", limited(func(p *ReschedulePolicy) { p.DelayFunction = "x" }), "G.reschedule.delay_function", "fibonacci"},
	{"reschedule delay", limited(func(p *ReschedulePolicy) { p.Delay = new(time.Second) }), "G.reschedule.delay", "less than 5s"},
	{"reschedule max_delay", limited(func(p *ReschedulePolicy) { p.DelayFunction, p.MaxDelay = "exponential", new(9*time.Second) }), "G.reschedule.max_delay", "less than Delay"},
	{"reschedule without interval", limited(func(p *ReschedulePolicy) { p.Interval = new(time.Duration(0)) }), "G.reschedule.interval", "non zero"},
	{"reschedule interval", limited(func(p *ReschedulePolicy) { p.Interval = new(14 * time.Second) }), "G.reschedule.interval", "less than 15s"},
	{"reschedule does not fit", limited(func(p *ReschedulePolicy) { p.Interval = new(25 * time.Second) }), "G.reschedule.interval", "Only 2 of 3 attempts fit"},
	{"reschedule suggestion", limited(func(p *ReschedulePolicy) {
		p.DelayFunction, p.MaxDelay, p.Attempts, p.Interval = "exponential", new(40*time.Second), new(5), new(time.Minute)
	}), "G.reschedule.interval", "at least 2m30s"},
	{"reschedule fibonacci fits", limited(func(p *ReschedulePolicy) {
		p.DelayFunction, p.MaxDelay, p.Attempts, p.Interval = "fibonacci", new(time.Hour), new(5), new(120*time.Second)
	}), "", ""},
	{"reschedule too many", limited(func(p *ReschedulePolicy) { p.Attempts = new(1 << 40) }), "G.reschedule.attempts", "cannot exceed"},

	{"migrate", migrating(Migrate{MaxParallel: new(0), MinHealthyTime: new(5 * time.Minute)}), "", ""},
	{"migrate of batch", func(j *Job, _ *TaskGroup, _ *Task) { j.Type = "batch"; j.Migrate = &Migrate{} }, "G.migrate", "does not allow migrate block"},
	{"migrate max_parallel", migrating(Migrate{MaxParallel: new(-1)}), "G.migrate.max_parallel", ">= 0"},
	{"migrate health_check", migrating(Migrate{HealthCheck: "manual"}), "G.migrate.health_check", "task_states"},
	{"migrate min_healthy_time", migrating(Migrate{MinHealthyTime: new(-time.Second)}), "G.migrate.min_healthy_time", ">= 0"},
	{"migrate deadline", migrating(Migrate{MinHealthyTime: new(time.Second), HealthyDeadline: new(time.Duration(0))}), "G.migrate.min_healthy_time", "less than HealthyDeadline"},
}

func networked(n NetworkResource) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.Networks = []*NetworkResource{typeinfo.Copy(&n)} }
}

func static(ports ...*Port) editJob { return networked(NetworkResource{ReservedPorts: ports}) }

var networkRules = []rule{
	{"static ports", static(&Port{Label: "a", Value: 80}, &Port{Label: "b", Value: 80, HostNetwork: "lan"}), "", ""},
	{"same static port", static(&Port{Label: "a", Value: 80}, &Port{Label: "b", Value: 80}), `G.network.port["b"].static`, "already reserved by a"},
	{"same static port ignored", static(&Port{Label: "a", Value: 80}, &Port{Label: "b", Value: 80, IgnoreCollision: true}), "", ""},
	{"collision in bridge", networked(NetworkResource{Mode: "bridge", DynamicPorts: []*Port{{Label: "a", IgnoreCollision: true}}}), `G.network.port["a"].ignore_collision`, "host mode"},
	{"static too large", static(&Port{Label: "a", Value: 65536}), `G.network.port["a"].static`, "65535"},
	{"label twice", networked(NetworkResource{DynamicPorts: []*Port{{Label: "a"}}, ReservedPorts: []*Port{{Label: "a", Value: 1}}}), `G.network.port["a"]`, "already in use"},
	{"label of a task network", func(_ *Job, g *TaskGroup, t *Task) {
		g.Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "a"}}}}
		t.Resources = &Resources{Networks: []*NetworkResource{{DynamicPorts: []*Port{{Label: "a"}}}}}
	}, `G.network.port["a"]`, "already in use"},
	{"label missing", networked(NetworkResource{DynamicPorts: []*Port{{}}}), `G.network.port[""]`, "empty"},
	{"to", networked(NetworkResource{DynamicPorts: []*Port{{Label: "a", To: -1}, {Label: "b", To: 65535}}}), "", ""},
	{"to negative", networked(NetworkResource{DynamicPorts: []*Port{{Label: "a", To: -2}}}), `G.network.port["a"].to`, "negative"},
	{"to too large", networked(NetworkResource{DynamicPorts: []*Port{{Label: "a", To: 65536}}}), `G.network.port["a"].to`, "65535"},
	{"mode is not checked", networked(NetworkResource{Mode: "whatever"}), "", ""},
	{"hostname", networked(NetworkResource{Hostname: "a_b"}), "G.network.hostname", "DNS name"},
	{"hostname interpolated", networked(NetworkResource{Hostname: "${NOMAD_ALLOC_ID}_x"}), "", ""},
	{"cni args", networked(NetworkResource{CNI: &CNIConfig{Args: map[string]string{"a": "b;c"}}}), "G.network.cni.args", "';'"},
	{"cni args twice", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Networks = []*NetworkResource{{CNI: &CNIConfig{Args: map[string]string{"a": "b"}}}, {CNI: &CNIConfig{Args: map[string]string{"a": "b"}}}}
	}, "G.network.cni.args", "duplicate"},
}

func mounting(v VolumeRequest) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.Volumes = map[string]*VolumeRequest{"v": typeinfo.Copy(&v)} }
}

const volumePath = `G.volume["v"]`

var volumeRules = []rule{
	{"host volume", mounting(VolumeRequest{Type: "host", Source: "x"}), "", ""},
	{"volume type", mounting(VolumeRequest{Type: "nfs", Source: "x"}), volumePath + ".type", `"csi"`},
	{"volume source", mounting(VolumeRequest{Type: "host"}), volumePath + ".source", "empty source"},
	{"per_alloc and sticky", mounting(VolumeRequest{Type: "host", Source: "x", PerAlloc: true, Sticky: true}), volumePath + ".per_alloc", "sticky"},
	{"per_alloc in system", func(j *Job, g *TaskGroup, _ *Task) {
		j.Type = "system"
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "x", PerAlloc: true}}
	}, volumePath + ".per_alloc", "system"},
	{"per_alloc with canaries", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Update = &UpdateStrategy{Canary: new(1)}
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "x", PerAlloc: true}}
	}, volumePath + ".per_alloc", "canaries"},
	{"host mount options", mounting(VolumeRequest{Type: "host", Source: "x", MountOptions: &MountOptions{}}), volumePath + ".mount_options", "host volumes"},
	{"host access mode", mounting(VolumeRequest{Type: "host", Source: "x", AccessMode: "multi-node-multi-writer"}), volumePath + ".access_mode", "single-node"},
	{"host reader", mounting(VolumeRequest{Type: "host", Source: "x", AccessMode: "single-node-reader-only"}), volumePath + ".read_only", "must be read_only"},
	{"csi", mounting(VolumeRequest{Type: "csi", Source: "x", AccessMode: "single-node-writer", AttachmentMode: "file-system"}), "", ""},
	{"csi access mode", mounting(VolumeRequest{Type: "csi", Source: "x", AttachmentMode: "file-system"}), volumePath + ".access_mode", "multi-node"},
	{"csi attachment mode", mounting(VolumeRequest{Type: "csi", Source: "x", AccessMode: "single-node-writer"}), volumePath + ".attachment_mode", "block-device"},
	{"csi block mount options", mounting(VolumeRequest{Type: "csi", Source: "x", AccessMode: "single-node-writer", AttachmentMode: "block-device", MountOptions: &MountOptions{}}), volumePath + ".mount_options", "block devices"},
	{"csi for two", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Count = new(2)
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "csi", Source: "x", AccessMode: "multi-node-single-writer", AttachmentMode: "file-system"}}
	}, volumePath + ".access_mode", "per_alloc"},
	{"csi for two per_alloc", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Count = new(2)
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "csi", Source: "x", AccessMode: "single-node-writer", AttachmentMode: "file-system", PerAlloc: true}}
	}, "", ""},
	{"mount of nothing", func(_ *Job, _ *TaskGroup, t *Task) { t.VolumeMounts = []*VolumeMount{{Volume: "x", Destination: "/x"}} }, "T.volume_mount[0].volume", "undefined volume"},
	{"mount propagation", func(_ *Job, g *TaskGroup, t *Task) {
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "x"}}
		t.VolumeMounts = []*VolumeMount{{Volume: "v", Destination: "/x", PropagationMode: "x"}}
	}, "T.volume_mount[0].propagation_mode", "bidirectional"},
	{"mount label", func(_ *Job, g *TaskGroup, t *Task) {
		g.Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "x"}}
		t.VolumeMounts = []*VolumeMount{{Volume: "v", Destination: "/x", SELinuxLabel: "q"}}
	}, "T.volume_mount[0].selinux_label", `"Z"`},
}

func resourced(r Resources) editJob {
	return func(_ *Job, _ *TaskGroup, t *Task) { t.Resources = typeinfo.Copy(&r) }
}

func templated(tpl Template) editJob {
	if tpl.DestPath == "" {
		tpl.DestPath = "local/x"
	}
	return func(_ *Job, _ *TaskGroup, t *Task) {
		t.Templates = []*Template{{EmbeddedTmpl: "x", DestPath: "local/y"}, typeinfo.Copy(&tpl)}
	}
}

func fetching(a Artifact) editJob {
	return func(_ *Job, _ *TaskGroup, t *Task) { t.Artifacts = []*Artifact{typeinfo.Copy(&a)} }
}

func identified(w WorkloadIdentity) editJob {
	return func(_ *Job, _ *TaskGroup, t *Task) { t.Identities = []*WorkloadIdentity{typeinfo.Copy(&w)} }
}

func asking(r Resources) editJob {
	return func(_ *Job, _ *TaskGroup, t *Task) { t.Resources = typeinfo.Copy(&r) }
}

var taskRules = []rule{
	{"most of everything", asking(Resources{CPU: new(1 << 40), MemoryMB: new(1 << 40), MemoryMaxMB: 1 << 40}), "", ""},
	{"cpu beyond", asking(Resources{CPU: new(1<<40 + 1)}), "T.resources.cpu", "more than any node"},
	{"cores beyond", asking(Resources{Cores: 1<<40 + 1}), "T.resources.cores", "more than any node"},
	{"memory beyond", asking(Resources{MemoryMB: new(1<<40 + 1)}), "T.resources.memory", "more than any node"},
	{"memory_max beyond", asking(Resources{MemoryMaxMB: 1<<40 + 1}), "T.resources.memory_max", "more than any node"},
	{"devices beyond", asking(Resources{Devices: []*RequestedDevice{{Name: "gpu", Count: new(1<<40 + 1)}}}), `T.resources.device["gpu"].count`, "more than any node"},
	{"disk beyond", func(_ *Job, g *TaskGroup, _ *Task) { g.EphemeralDisk = &EphemeralDisk{SizeMB: new(1<<40 + 1)} }, "G.ephemeral_disk.size", "more than any node"},
	{"driver", func(_ *Job, _ *TaskGroup, t *Task) { t.Driver = "" }, "T.driver", "Missing task driver"},
	{"kill_timeout", func(_ *Job, _ *TaskGroup, t *Task) { t.KillTimeout = new(-time.Second) }, "T.kill_timeout", "positive"},
	{"task shutdown_delay", func(_ *Job, _ *TaskGroup, t *Task) { t.ShutdownDelay = -1 }, "T.shutdown_delay", "positive"},
	{"lifecycle hook", func(_ *Job, g *TaskGroup, t *Task) {
		t.Lifecycle = &Lifecycle{Hook: "x"}
		g.Tasks = append(g.Tasks, &Task{Name: "m", Driver: "x"})
	}, "T.lifecycle.hook", "poststop"},
	{"leader with hook", func(_ *Job, g *TaskGroup, t *Task) {
		t.Lifecycle, t.Leader = &Lifecycle{Hook: "poststart"}, true
		g.Tasks = append(g.Tasks, &Task{Name: "m", Driver: "x"})
	}, "T.leader", "main task"},
	{"log files", func(_ *Job, _ *TaskGroup, t *Task) { t.LogConfig = &LogConfig{MaxFiles: new(0)} }, "T.logs.max_files", "at least 1"},
	{"log size", func(_ *Job, _ *TaskGroup, t *Task) { t.LogConfig = &LogConfig{MaxFileSizeMB: new(0)} }, "T.logs.max_file_size", "at least 1"},
	{"log sizes that overflow", func(_ *Job, _ *TaskGroup, t *Task) {
		t.LogConfig = &LogConfig{MaxFiles: new(1 << 62), MaxFileSizeMB: new(4)}
	}, "T.logs", "less than requested disk"},
	{"cpu", resourced(Resources{CPU: new(0)}), "T.resources.cpu", "minimum CPU"},
	{"cpu and cores", resourced(Resources{CPU: new(1), Cores: 1}), "T.resources.cpu", "not both"},
	{"cores", resourced(Resources{Cores: 1}), "", ""},
	{"cores negative", resourced(Resources{Cores: -1}), "T.resources.cores", "negative"},
	{"memory", resourced(Resources{MemoryMB: new(9)}), "T.resources.memory", "minimum MemoryMB"},
	{"memory_max", resourced(Resources{MemoryMB: new(20), MemoryMaxMB: 19}), "T.resources.memory_max", "larger than"},
	{"memory_max unlimited", resourced(Resources{MemoryMB: new(20), MemoryMaxMB: -1}), "", ""},
	{"secrets size", resourced(Resources{MemoryMB: new(20), SecretsMB: 21}), "T.resources.secrets", "between 0 and"},
	{"device", resourced(Resources{Devices: []*RequestedDevice{{Name: "vendor/gpu/model", Count: new(2)}}}), "", ""},
	{"device count", resourced(Resources{Devices: []*RequestedDevice{{Name: "gpu", Count: new(0)}}}), `T.resources.device["gpu"].count`, "at least 1"},
	{"device name", resourced(Resources{Devices: []*RequestedDevice{{Name: ""}}}), `T.resources.device[""]`, "vendor/type/model"},
	{"device model with slashes", resourced(Resources{Devices: []*RequestedDevice{{Name: "acme/gpu/a/100"}}}), "", ""},
	{"numa", resourced(Resources{Cores: 1, NUMA: &NUMA{Affinity: "x"}}), "T.resources.numa.affinity", "prefer"},
	{"numa device", resourced(Resources{Cores: 1, NUMA: &NUMA{Affinity: "prefer", Devices: []string{"gpu"}}}), "T.resources.numa.devices", "not requested"},

	{"artifact", fetching(Artifact{GetterSource: "x", RelativeDest: "../alloc/x"}), "", ""},
	{"artifact source", fetching(Artifact{}), "T.artifact[0].source", "must be specified"},
	{"artifact mode", fetching(Artifact{GetterSource: "x", GetterMode: "x"}), "T.artifact[0].mode", `"dir"`},
	{"artifact escapes", fetching(Artifact{GetterSource: "x", RelativeDest: "../../x"}), "T.artifact[0].destination", "escapes"},
	{"artifact checksum", fetching(Artifact{GetterSource: "x", GetterOptions: map[string]string{"checksum": "md5:" + strings.Repeat("aF", 16)}}), "", ""},
	{"artifact checksum interpolated", fetching(Artifact{GetterSource: "x", GetterOptions: map[string]string{"checksum": "md5:${x}"}}), "", ""},
	{"artifact checksum type", fetching(Artifact{GetterSource: "x", GetterOptions: map[string]string{"checksum": "crc:aa"}}), "T.artifact[0].options.checksum", "sha512"},
	{"artifact checksum length", fetching(Artifact{GetterSource: "x", GetterOptions: map[string]string{"checksum": "sha1:aa"}}), "T.artifact[0].options.checksum", "40 hexadecimal"},
	{"artifact checksum digits", fetching(Artifact{GetterSource: "x", GetterOptions: map[string]string{"checksum": "md5:" + strings.Repeat("x", 32)}}), "T.artifact[0].options.checksum", "hexadecimal"},

	{"template", templated(Template{SourcePath: "x", ChangeMode: "signal"}), "", ""},
	{"template empty", templated(Template{}), "T.template[1]", "source path or have an embedded"},
	{"template escapes", templated(Template{SourcePath: "x", DestPath: "../../../x"}), "T.template[1].destination", "escapes"},
	{"template twice", templated(Template{SourcePath: "x", DestPath: "local/y"}), "T.template", "same destination as 1"},
	{"template twice by other paths", templated(Template{SourcePath: "x", DestPath: "/local/./z/../y"}), "T.template", "same destination as 1"},
	{"template change_mode", templated(Template{SourcePath: "x", ChangeMode: "x"}), "T.template[1].change_mode", "script"},
	{"template signal env", templated(Template{SourcePath: "x", ChangeMode: "signal", Envvars: true}), "T.template[1].env", "env var"},
	{"template script", templated(Template{SourcePath: "x", ChangeMode: "script", ChangeScript: &ChangeScript{Args: []string{"x"}}}), "T.template[1].change_script", "script command"},
	{"template splay", templated(Template{SourcePath: "x", Splay: new(-time.Second)}), "T.template[1].splay", "positive"},
	{"template perms", templated(Template{SourcePath: "x", Perms: "0999"}), "T.template[1].perms", "octal"},
	{"template wait", templated(Template{SourcePath: "x", Wait: &WaitConfig{Min: new(time.Hour), Max: new(time.Minute)}}), "T.template[1].wait", "greater than max"},
	{"template wait min", templated(Template{SourcePath: "x", Wait: &WaitConfig{Min: new(time.Hour)}}), "", ""},

	{"vault mode", func(_ *Job, _ *TaskGroup, t *Task) { t.Vault = &Vault{ChangeMode: "script"} }, "T.vault.change_mode", `"signal"`},
	{"vault namespace", func(_ *Job, _ *TaskGroup, t *Task) { t.Vault = &Vault{Namespace: "x"} }, "T.vault.namespace", "not available"},
	{"identity", identified(WorkloadIdentity{Name: "aws", Audience: []string{"x"}, TTL: time.Hour, ChangeMode: "signal", ChangeSignal: "sighup"}), "", ""},
	{"identity name", identified(WorkloadIdentity{Name: "a b"}), `T.identity["a b"].name`, "1 to 128"},
	{"identity aud", identified(WorkloadIdentity{Name: "a", Audience: []string{""}}), `T.identity["a"].aud`, "invalid audience"},
	{"identity mode", identified(WorkloadIdentity{Name: "a", ChangeMode: "x"}), `T.identity["a"].change_mode`, "restart"},
	{"identity signal", identified(WorkloadIdentity{Name: "a", ChangeMode: "signal"}), `T.identity["a"].change_signal`, "if and only if"},
	{"identity signal without mode", identified(WorkloadIdentity{Name: "a", ChangeSignal: "SIGHUP"}), `T.identity["a"].change_signal`, "if and only if"},
	{"identity ttl", identified(WorkloadIdentity{Name: "a", TTL: -1}), `T.identity["a"].ttl`, ">= 0"},
	{"identity filepath", identified(WorkloadIdentity{Name: "a", Filepath: "x"}), `T.identity["a"].filepath`, "needs file"},
	{"default identity ttl", func(_ *Job, _ *TaskGroup, t *Task) { t.Identity = &WorkloadIdentity{TTL: 1} }, `T.identity["default"].ttl`, "not supported on the default"},
	{"default identity twice", func(_ *Job, _ *TaskGroup, t *Task) { t.Identities = []*WorkloadIdentity{{}, {Name: "default"}} }, "T.identity", "already exists"},

	{"secret", func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{Name: "a", Provider: "nomad", Path: "x"}} }, "", ""},
	{"secret name", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Secrets = []*Secret{{Name: "a-b", Provider: "nomad", Path: "x"}}
	}, `T.secret["a-b"]`, "1 to 128"},
	{"secret provider", func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{Name: "a", Path: "x"}} }, `T.secret["a"].provider`, "must be set"},
	{"secret path", func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{Name: "a", Provider: "nomad"}} }, `T.secret["a"].path`, "must be set"},
	{"secret of vault", func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{Name: "a", Provider: "vault", Path: "x"}} }, `T.secret["a"].provider`, "vault block"},
	{"secret env", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Secrets = []*Secret{{Name: "a", Provider: "nomad", Path: "x", Env: map[string]string{"a": "b"}}}
	}, `T.secret["a"].env`, "plugin"},
	{"secret config", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Secrets = []*Secret{{Name: "a", Provider: "mine", Path: "x", Config: map[string]any{"a": "b"}}}
	}, `T.secret["a"].config`, "nomad and vault"},
	{"secret twice", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Secrets = []*Secret{{Name: "a", Provider: "nomad", Path: "x"}, {Name: "a", Provider: "nomad", Path: "y"}}
	}, "T.secret", "already exists"},

	{"action", func(_ *Job, _ *TaskGroup, t *Task) { t.Actions = []*Action{{Name: "a", Command: "x"}} }, "", ""},
	{"action name", func(_ *Job, _ *TaskGroup, t *Task) { t.Actions = []*Action{{Name: "a b", Command: "x"}} }, `T.action["a b"]`, "white space"},
	{"action twice", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Actions = []*Action{{Name: "a", Command: "x"}, {Name: "a", Command: "x"}}
	}, `T.action["a"]`, "already exists"},
	{"action command", func(_ *Job, _ *TaskGroup, t *Task) { t.Actions = []*Action{{Name: "a"}} }, `T.action["a"].command`, "no command"},
	{"payload escapes", func(_ *Job, _ *TaskGroup, t *Task) { t.DispatchPayload = &DispatchPayload{File: "../x"} }, "T.dispatch_payload.file", "escapes"},
	{"csi plugin", func(_ *Job, _ *TaskGroup, t *Task) { t.CSIPluginConfig = &CSIPluginConfig{ID: "x", Type: "monolith"} }, "", ""},
	{"csi plugin id", func(_ *Job, _ *TaskGroup, t *Task) { t.CSIPluginConfig = &CSIPluginConfig{Type: "node"} }, "T.csi_plugin.id", "PluginID"},
	{"csi plugin type", func(_ *Job, _ *TaskGroup, t *Task) { t.CSIPluginConfig = &CSIPluginConfig{ID: "x"} }, "T.csi_plugin.type", "monolith"},
	{"csi plugin dirs", func(_ *Job, _ *TaskGroup, t *Task) {
		t.CSIPluginConfig = &CSIPluginConfig{ID: "x", Type: "node", StagePublishBaseDir: "/csi/x"}
	}, "T.csi_plugin.stage_publish_base_dir", "below"},
	{"kind", func(_ *Job, _ *TaskGroup, t *Task) { t.Kind = "x" }, "T.kind", "<kind>:<value>"},
	{"vertical scaling twice", func(_ *Job, _ *TaskGroup, t *Task) {
		t.ScalingPolicies = []*ScalingPolicy{{Type: "vertical_cpu"}, {Type: "vertical_cpu"}}
	}, "T.scaling", "more than one"},
}

// serving adds a group service that is fine, for one mistake to be made in it.
func serving(edit func(s *Service, h *ServiceCheck)) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) {
		g.Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "http"}}}}
		g.Services = []*Service{newService(edit)}
	}
}

// taskServing does the same with a service of the task.
func taskServing(edit func(s *Service, h *ServiceCheck)) editJob {
	return func(_ *Job, g *TaskGroup, t *Task) {
		g.Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "http"}}}}
		t.Services = []*Service{newService(edit)}
	}
}

func newService(edit func(s *Service, h *ServiceCheck)) *Service {
	h := &ServiceCheck{Name: "alive", Type: "tcp", Interval: time.Second, Timeout: time.Second}
	s := &Service{Name: "web", PortLabel: "http", Checks: []*ServiceCheck{h}}
	edit(s, h)
	return s
}

const (
	servicePath = "G.service[0]"
	checkPath   = servicePath + ".check[0]"
)

var serviceRules = []rule{
	{"service", serving(func(*Service, *ServiceCheck) {}), "", ""},
	{"service name", serving(func(s *Service, _ *ServiceCheck) { s.Name = "a_b" }), servicePath + ".name", "RFC 1123"},
	{"service name too long", serving(func(s *Service, _ *ServiceCheck) { s.Name = strings.Repeat("x", 64) }), servicePath + ".name", "63"},
	{"service name interpolated", serving(func(s *Service, _ *ServiceCheck) { s.Name = "a-${NOMAD_ALLOC_ID}" }), "", ""},
	{"provider", serving(func(s *Service, _ *ServiceCheck) { s.Provider = "x" }), servicePath + ".provider", `"nomad"`},
	{"port unknown", serving(func(s *Service, _ *ServiceCheck) { s.PortLabel = "x" }), servicePath + ".port", "does not exist"},
	{"port number", serving(func(s *Service, _ *ServiceCheck) { s.PortLabel = "80" }), servicePath + ".port", "driver"},
	{"port number with driver", taskServing(func(s *Service, h *ServiceCheck) {
		s.PortLabel, s.AddressMode, h.AddressMode = "80", "driver", "driver"
	}), "", ""},
	{"port number with address", serving(func(s *Service, h *ServiceCheck) {
		s.PortLabel, s.Address, h.PortLabel = "80", "192.0.2.7", "http"
	}), "", ""},
	{"port number with address for a check", serving(func(s *Service, _ *ServiceCheck) {
		s.PortLabel, s.Address = "80", "192.0.2.7"
	}), "", ""},
	{"port number with address for a check of the host's", serving(func(s *Service, h *ServiceCheck) {
		s.PortLabel, s.Address, h.AddressMode = "80", "192.0.2.7", "host"
	}), checkPath + ".port", "driver"},
	{"port number with driver for a check of the host's", taskServing(func(s *Service, _ *ServiceCheck) {
		s.PortLabel, s.AddressMode = "80", "driver"
	}), "T.service[0].check[0].port", "driver"},
	{"port number with alloc for a check of the host's", serving(func(s *Service, _ *ServiceCheck) {
		s.PortLabel, s.AddressMode = "80", "alloc"
	}), checkPath + ".port", "driver"},
	{"port number with alloc for both", serving(func(s *Service, h *ServiceCheck) {
		s.PortLabel, s.AddressMode, h.AddressMode = "80", "alloc", "alloc"
	}), "", ""},
	{"port number too large", serving(func(s *Service, _ *ServiceCheck) { s.PortLabel = "65536" }), servicePath + ".port", "between 1 and"},
	{"address_mode driver in group", serving(func(s *Service, _ *ServiceCheck) { s.AddressMode = "driver" }), servicePath + ".address_mode", "alloc"},
	{"address_mode alloc in task", taskServing(func(s *Service, _ *ServiceCheck) { s.AddressMode = "alloc" }), "T.service[0].address_mode", "driver"},
	{"address", serving(func(s *Service, _ *ServiceCheck) { s.Address = "x"; s.AddressMode = "host" }), servicePath + ".address", "auto"},
	{"service on_update", serving(func(s *Service, h *ServiceCheck) { s.OnUpdate = "x"; h.OnUpdate = "ignore" }), servicePath + ".on_update", "ignore_warnings"},
	{"service task", serving(func(s *Service, _ *ServiceCheck) { s.TaskName = "x" }), servicePath + ".task", "does not exist"},
	{"service of another task", taskServing(func(s *Service, _ *ServiceCheck) { s.TaskName = "x" }), "T.service[0].task", "another task"},
	{"service identity", serving(func(s *Service, _ *ServiceCheck) { s.Identity = &WorkloadIdentity{} }), servicePath + ".identity.aud", "at least one aud"},
	{"service cluster", serving(func(s *Service, _ *ServiceCheck) { s.Cluster = "x" }), servicePath + ".cluster", "default"},
	{"connect", serving(func(s *Service, _ *ServiceCheck) { s.Connect = &Connect{SidecarService: &SidecarService{}} }), "", ""},
	{"connect in nomad", serving(func(s *Service, _ *ServiceCheck) {
		s.Provider, s.Connect = "nomad", &Connect{SidecarService: &SidecarService{}}
	}), servicePath + ".connect", "provider nomad"},
	{"connect two forms", serving(func(s *Service, _ *ServiceCheck) {
		s.Connect = &Connect{Native: true, SidecarService: &SidecarService{}}
	}), servicePath + ".connect", "exactly one"},
	{"connect in task", taskServing(func(s *Service, _ *ServiceCheck) { s.Connect = &Connect{SidecarService: &SidecarService{}} }), "T.service[0].connect", "group services"},
	{"service twice", func(_ *Job, g *TaskGroup, _ *Task) { g.Services = []*Service{{Name: "a"}, {Name: "a"}} }, "G.service", "duplicate"},
	{"service twice with two ports", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "http"}}}}
		g.Services = []*Service{{Name: "a"}, {Name: "a", PortLabel: "http"}}
	}, "", ""},
	{"mixed providers", func(_ *Job, g *TaskGroup, t *Task) {
		g.Services, t.Services = []*Service{{Name: "a"}}, []*Service{{Name: "b", Provider: "nomad"}}
	}, "G.service.provider", "same provider"},

	{"check type", serving(func(_ *Service, h *ServiceCheck) { h.Type = "x" }), checkPath + ".type", "grpc"},
	{"check type of nomad", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.Type = "nomad", "udp" }), checkPath + ".type", "http"},
	{"check grpc of nomad", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.Type = "nomad", "grpc" }), "", ""},
	{"check script of nomad", serving(func(s *Service, h *ServiceCheck) {
		s.Provider, s.PortLabel, h.Type, h.Command, h.TaskName = "nomad", "", "script", "x", "t"
	}), "", ""},
	{"check interval", serving(func(_ *Service, h *ServiceCheck) { h.Interval = time.Millisecond }), checkPath + ".interval", "lower than 1s"},
	{"check timeout", serving(func(_ *Service, h *ServiceCheck) { h.Timeout = 0 }), checkPath + ".timeout", "lower than 1s"},
	{"check path", serving(func(_ *Service, h *ServiceCheck) { h.Type = "http" }), checkPath + ".path", "must have http path"},
	{"check path absolute", serving(func(_ *Service, h *ServiceCheck) { h.Type, h.Path = "http", "http://x/y" }), checkPath + ".path", "relative"},
	{"check path relative", serving(func(_ *Service, h *ServiceCheck) { h.Type, h.Path = "http", "/a?b=c" }), "", ""},
	{"check protocol", serving(func(_ *Service, h *ServiceCheck) { h.Type, h.Path, h.Protocol = "http", "/", "ftp" }), checkPath + ".protocol", "https"},
	{"check port", serving(func(s *Service, _ *ServiceCheck) { s.PortLabel = "" }), checkPath + ".port", "requires a port"},
	{"check port unknown", serving(func(_ *Service, h *ServiceCheck) { h.PortLabel = "x" }), checkPath + ".port", "does not exist"},
	{"check address_mode", serving(func(_ *Service, h *ServiceCheck) { h.AddressMode = "auto" }), checkPath + ".address_mode", "alloc_ipv6"},
	{"check address_mode of nomad", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.AddressMode = "nomad", "driver" }), checkPath + ".address_mode", "alloc"},
	{"check script", serving(func(s *Service, h *ServiceCheck) { s.TaskName, h.Type, h.Command = "t", "script", "x" }), "", ""},
	{"check script without task", serving(func(_ *Service, h *ServiceCheck) { h.Type, h.Command = "script", "x" }), checkPath + ".task", "must name a task"},
	{"check script without command", serving(func(_ *Service, h *ServiceCheck) { h.Type, h.TaskName = "script", "t" }), checkPath + ".command", "valid script path"},
	{"check task", serving(func(_ *Service, h *ServiceCheck) { h.TaskName = "x" }), checkPath + ".task", "does not exist"},
	{"check initial_status", serving(func(_ *Service, h *ServiceCheck) { h.InitialStatus = "success" }), checkPath + ".initial_status", "critical"},
	{"check initial_status of nomad", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.InitialStatus = "nomad", "success" }), "", ""},
	{"check thresholds", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.SuccessBeforePassing = "nomad", 1 }), checkPath + ".success_before_passing", "not available"},
	{"check threshold", serving(func(_ *Service, h *ServiceCheck) { h.FailuresBeforeWarning = -1 }), checkPath + ".failures_before_warning", "non-negative"},
	{"check expose", serving(func(_ *Service, h *ServiceCheck) { h.Expose = true }), checkPath + ".expose", "http and grpc"},
	{"check notes", serving(func(_ *Service, h *ServiceCheck) { h.Notes = strings.Repeat("x", 256) }), checkPath + ".notes", "255"},
	{"check on_update of nomad", serving(func(s *Service, h *ServiceCheck) { s.Provider, h.OnUpdate = "nomad", "ignore_warnings" }), checkPath + ".on_update", "require_healthy"},
	{"check_restart", serving(func(_ *Service, h *ServiceCheck) { h.CheckRestart = &CheckRestart{Limit: -1} }), checkPath + ".check_restart.limit", "greater than or equal"},
	{"check_restart grace", serving(func(_ *Service, h *ServiceCheck) { h.CheckRestart = &CheckRestart{Grace: new(-time.Second)} }), checkPath + ".check_restart.grace", "less than 0"},
	{"check_restart of an ignored check", serving(func(s *Service, h *ServiceCheck) { h.OnUpdate, s.CheckRestart = "ignore", &CheckRestart{Limit: 1} }), checkPath + ".check_restart", "not compatible"},
	{"check_restart warnings of nomad", serving(func(s *Service, h *ServiceCheck) {
		s.Provider, h.CheckRestart = "nomad", &CheckRestart{IgnoreWarnings: true}
	}), checkPath + ".check_restart.ignore_warnings", "not available"},
	{"check twice", serving(func(s *Service, h *ServiceCheck) { s.Checks = append(s.Checks, typeinfo.Copy(h)) }), servicePath + ".check[1].name", "duplicate"},
	{"check of two task services", func(_ *Job, g *TaskGroup, t *Task) {
		g.Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "http"}}}}
		t.Services = []*Service{newService(func(*Service, *ServiceCheck) {}), newService(func(s *Service, _ *ServiceCheck) { s.Name = "b" })}
	}, "T.service", "duplicate"},
}

func TestValidateNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "Missing task name", "alloc": "shared by the tasks", "a/b": "slashes", `a\b`: "slashes", "a\x00": "null", "..": "directory",
	} {
		err, _ := plainJob(func(_ *Job, _ *TaskGroup, t *Task) { t.Name = name }).Validate(DefaultLimits())
		if err == nil || len(err.Fields) != 1 || !strings.Contains(err.Fields[0].Message, want) {
			t.Errorf("task %q: got %v", name, err)
		}
	}
	for name, want := range map[string]string{"": "Missing task group name", "a\x00": "null character"} {
		err, _ := plainJob(func(_ *Job, g *TaskGroup, _ *Task) { g.Name = name }).Validate(DefaultLimits())
		if err == nil || len(err.Fields) != 1 || !strings.Contains(err.Fields[0].Message, want) {
			t.Errorf("group %q: got %v", name, err)
		}
	}
}

// nomadService gives the group one service, and time to take it back.
func nomadService(s Service) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) {
		s.Name, s.Provider = "a", ProviderNomad
		g.Services, g.ShutdownDelay = []*Service{&s}, new(time.Second)
	}
}

func TestWarnings(t *testing.T) {
	service := []*Service{{Name: "a"}}
	for _, test := range []struct {
		name string
		edit editJob
		want string // part of the one warning, "" for none
	}{
		{"none", nil, ""},
		{"max_parallel", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(2); g.Update = &UpdateStrategy{MaxParallel: new(3)} }, "(3 > 2)"},
		{"max_parallel of one", func(_ *Job, g *TaskGroup, _ *Task) { g.Update = &UpdateStrategy{MaxParallel: new(3)} }, ""},
		{"stop_after_client_disconnect", func(_ *Job, g *TaskGroup, _ *Task) { g.StopAfterClientDisconnect = new(time.Second) }, "disconnect block"},
		{"max_client_disconnect", func(_ *Job, g *TaskGroup, _ *Task) { g.MaxClientDisconnect = new(time.Second) }, "disconnect block"},
		{"prevent_reschedule_on_lost", func(_ *Job, g *TaskGroup, _ *Task) { g.PreventRescheduleOnLost = true }, "disconnect block"},
		{"mbits", networked(NetworkResource{MBits: 5}), "mbits"},
		{"task network", resourced(Resources{Networks: []*NetworkResource{{}}}), "group's network block"},
		{"iops", resourced(Resources{IOPS: 1}), "iops"},
		{"vault_grace", templated(Template{EmbeddedTmpl: "x", VaultGrace: 1}), "vault_grace"},
		{"cron", batch(func(j *Job) { j.Periodic = &Periodic{Spec: "@daily"} }), "cron is deprecated and may be removed in a future release. Use crons instead"},
		{"memory_max", resourced(Resources{MemoryMaxMB: 500}), "oversubscription"},
		{"auto_promote", func(j *Job, g *TaskGroup, _ *Task) {
			g.Update = &UpdateStrategy{Canary: new(1), AutoPromote: new(true)}
			other := typeinfo.Copy(g)
			other.Name, other.Update = "h", &UpdateStrategy{Canary: new(1)}
			j.TaskGroups = append(j.TaskGroups, other)
		}, "auto_promote must be true for all groups"},
		{"group service", func(_ *Job, g *TaskGroup, _ *Task) { g.Services = service }, `group "g" defines services, but neither`},
		{"group service with delay", func(_ *Job, g *TaskGroup, t *Task) { g.Services = service; t.ShutdownDelay = 1 }, ""},
		{"group service with group delay", func(_ *Job, g *TaskGroup, _ *Task) { g.Services = service; g.ShutdownDelay = new(time.Second) }, ""},
		{"service of a task", func(_ *Job, g *TaskGroup, _ *Task) { g.Services = []*Service{{Name: "a", TaskName: "t"}} }, `is for task "t"`},
		{"service meta", nomadService(Service{Meta: map[string]string{"a": "b"}}), `meta of service "a" in group "g" has no effect with provider nomad`},
		{"service canary_meta", nomadService(Service{CanaryMeta: map[string]string{"a": "b"}}), "canary_meta of service"},
		{"service tagged_addresses", nomadService(Service{TaggedAddresses: map[string]string{"a": "b"}}), "tagged_addresses of service"},
		{"service enable_tag_override", nomadService(Service{EnableTagOverride: true}), "enable_tag_override of service"},
		{"service weights", nomadService(Service{Weights: &ServiceWeights{Passing: 2, Warning: 1}}), "weights of service"},
		{"service default weights", nomadService(Service{Weights: &ServiceWeights{Passing: 1, Warning: 1}}), ""},
		{"service kind", nomadService(Service{Kind: "api-gateway"}), "kind of service"},
		{"service identity", nomadService(Service{Identity: &WorkloadIdentity{Audience: []string{"x"}}}), "identity of service"},
		{"task service kind", func(_ *Job, g *TaskGroup, t *Task) {
			t.Services, g.ShutdownDelay = []*Service{{Name: "a", Provider: "nomad", Kind: "x"}}, new(time.Second)
		}, `kind of service "a" in task "t"`},
		{"task service", func(_ *Job, _ *TaskGroup, t *Task) { t.Services = service }, `task "t" in group "g" defines services`},
		{"identity audience", identified(WorkloadIdentity{Name: "a", TTL: 1}), "no audience"},
		{"identity audiences", identified(WorkloadIdentity{Name: "a", TTL: 1, Audience: []string{"x", "y"}}), "several audiences"},
		{"identity ttl", identified(WorkloadIdentity{Name: "a", Audience: []string{"x"}}), "never expires"},
		{"identity env", identified(WorkloadIdentity{Name: "a", Audience: []string{"x"}, TTL: 1, Env: true}), "stays as it was"},
		{"identity env with restart", identified(WorkloadIdentity{Name: "a", Audience: []string{"x"}, TTL: 1, Env: true, ChangeMode: "restart"}), ""},
		{"vault identity", identified(WorkloadIdentity{Name: "vault_default", Audience: []string{"x"}, TTL: 1}), "no vault block"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err, warnings := plainJob(test.edit).Validate(DefaultLimits())
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if test.want == "" {
				if len(warnings) > 0 {
					t.Errorf("got %q", warnings)
				}
				return
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0].Message, test.want) || !strings.HasPrefix(warnings[0].Path, "job") {
				t.Errorf("got %q, want …%s…", warnings, test.want)
			}
		})
	}
	limits := DefaultLimits()
	limits.MemoryOversubscription = true
	if _, warnings := plainJob(resourced(Resources{MemoryMaxMB: 500})).Validate(limits); len(warnings) > 0 {
		t.Errorf("with oversubscription: %q", warnings)
	}
}

func TestValidateUpdate(t *testing.T) {
	base := plainJob(batch(func(*Job) {}))
	for _, test := range []struct {
		name string
		old  *Job
		edit func(*Job)
		want string
	}{
		{"new", nil, func(*Job) {}, ""},
		{"new dispatched", nil, func(j *Job) { j.Dispatched = true }, "Dispatched"},
		{"unchanged", base, func(*Job) {}, ""},
		{"type", base, func(j *Job) { j.Type = "service" }, `cannot update job from type "batch" to "service"`},
		{"periodic", base, func(j *Job) { j.Periodic = &Periodic{} }, "cannot update non-periodic job to being periodic"},
		{"parameterized", base, func(j *Job) { j.ParameterizedJob = &ParameterizedJob{} }, "cannot update non-parameterized job to being parameterized"},
		{"dispatched", base, func(j *Job) { j.Dispatched = true }, "read-only"},
	} {
		job := typeinfo.Copy(base)
		test.edit(job)
		err := ValidateUpdate(test.old, job)
		if (err == nil) != (test.want == "") || err != nil && (len(err.Fields) != 1 || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

// FuzzJob sends arbitrary JSON through everything that happens to a job before it is stored.
func FuzzJob(f *testing.F) {
	for _, name := range []string{"jobs-parse", "job-read", "job-read-dispatched", "job-read-periodic"} {
		f.Add(readRecording(f, name))
	}
	f.Add([]byte(`{"TaskGroups":[null,{"Tasks":[null,{"Services":[{"Checks":[null,{}]}],"Resources":{"Devices":[{}]}}],"Volumes":{"a":null,"b":{}}}]}`))
	f.Add([]byte(`{"Type":"system","Update":{},"TaskGroups":[{"Count":-1,"Networks":[{"DynamicPorts":[{}]}],"Tasks":[{"LogConfig":{"MaxFiles":-9223372036854775808}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var job Job
		if typeinfo.Unmarshal(data, &job) != nil {
			return
		}
		job.Canonicalize()
		job.AddImpliedConstraints()
		err, warnings := job.Validate(DefaultLimits())
		if err != nil && (len(err.Fields) == 0 || !strings.Contains(err.Error(), "occurred:")) {
			t.Fatalf("an error without text: %+v", err)
		}
		_ = warnings.String()
		job.Unsupported()
		for _, g := range job.TaskGroups {
			g.Ask()
			GroupNeedsDestructiveUpdate(&job, typeinfo.Copy(&job), g.Name)
		}
		text, encodeErr := typeinfo.Marshal(&job, typeinfo.Response)
		if encodeErr != nil {
			t.Fatal(encodeErr)
		}
		var again Job
		if err := typeinfo.Unmarshal(text, &again); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	})
}
