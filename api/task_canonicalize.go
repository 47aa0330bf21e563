// SPDX-License-Identifier: MPL-2.0

package api

import (
	"path"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func (t *Task) canonicalize(job *Job, g *TaskGroup, at stage) {
	canonicalizePlacement(t.Constraints, t.Affinities, nil)
	if t.Resources == nil {
		t.Resources = &Resources{}
	}
	t.Resources.canonicalize(at)
	t.RestartPolicy = merged(t.RestartPolicy, g.RestartPolicy)
	setDefaultPtr(&t.KillTimeout, DefaultKillTimeout)
	if t.LogConfig == nil {
		t.LogConfig = &LogConfig{}
	}
	t.LogConfig.canonicalize(at)
	for _, a := range t.Artifacts {
		a.canonicalize()
	}
	for _, tpl := range t.Templates {
		tpl.canonicalize()
	}
	t.Vault.canonicalize()
	t.Consul.canonicalize()
	for _, m := range t.VolumeMounts {
		setDefault(&m.PropagationMode, "private")
	}
	t.CSIPluginConfig.canonicalize()
	for _, s := range t.Services {
		s.canonicalize(job, g, t, at)
	}
	for _, p := range t.ScalingPolicies {
		p.canonicalize(nil, at)
	}
	if t.Schedule != nil && t.Schedule.Cron != nil {
		setDefault(&t.Schedule.Cron.Timezone, "Local")
	}
	t.canonicalizeIdentities(at)
}

// canonicalizeIdentities moves the default identity out of the list; the servers create it when the job
// has none.
func (t *Task) canonicalizeIdentities(at stage) {
	var extra []*WorkloadIdentity
	for _, id := range t.Identities {
		if (id.Name == "" || id.Name == DefaultIdentityName) && t.Identity == nil {
			t.Identity = id
			continue
		}
		extra = append(extra, id)
	}
	t.Identities = extra
	for _, id := range t.Identities {
		id.canonicalize()
	}
	if at == serverStage && t.Identity == nil {
		t.Identity = &WorkloadIdentity{}
	}
	if t.Identity != nil {
		t.Identity.Name = DefaultIdentityName
		t.Identity.Audience = []string{DefaultAudience}
		t.Identity.canonicalize()
	}
}

func (w *WorkloadIdentity) canonicalize() {
	if w == nil {
		return
	}
	setDefault(&w.Name, DefaultIdentityName)
	w.ChangeSignal = strings.ToUpper(w.ChangeSignal)
}

func (r *Resources) canonicalize(at stage) {
	if r.Cores > 0 {
		setDefaultPtr(&r.CPU, 0)
	}
	setDefaultPtr(&r.CPU, DefaultCPU)
	setDefaultPtr(&r.MemoryMB, DefaultMemoryMB)
	if at == serverStage {
		r.DiskMB = 0 // obsolete: accepted and dropped
	}
	for _, n := range r.Networks {
		n.canonicalize(at)
	}
	for _, d := range r.Devices {
		setDefaultPtr(&d.Count, 1)
		canonicalizePlacement(d.Constraints, d.Affinities, nil)
	}
	if r.NUMA != nil {
		setDefault(&r.NUMA.Affinity, "none")
	}
}

func (l *LogConfig) canonicalize(at stage) {
	setDefaultPtr(&l.MaxFiles, DefaultLogFiles)
	setDefaultPtr(&l.MaxFileSizeMB, DefaultLogFileSizeMB)
	if at == serverStage {
		l.Enabled = nil
	}
}

func (a *Artifact) canonicalize() {
	setDefault(&a.GetterMode, "any")
	if a.RelativeDest != "" {
		return
	}
	a.RelativeDest = "local/"
	if a.GetterMode == "file" {
		source, _, _ := strings.Cut(a.GetterSource, "?")
		if base := path.Base(source); base != "." && base != "/" {
			a.RelativeDest = "local/" + base
		}
	}
}

func (t *Template) canonicalize() {
	setDefault(&t.ChangeMode, ChangeRestart)
	if t.ChangeMode == ChangeSignal {
		setDefault(&t.ChangeSignal, "SIGHUP")
	}
	t.ChangeSignal = strings.ToUpper(t.ChangeSignal)
	if t.ChangeScript != nil {
		setDefault(&t.ChangeScript.Timeout, 5*time.Second)
	}
	setDefaultPtr(&t.Splay, 5*time.Second)
	setDefault(&t.Perms, "0644")
	setDefault(&t.LeftDelim, "{{")
	setDefault(&t.RightDelim, "}}")
}

func (v *Vault) canonicalize() {
	if v == nil {
		return
	}
	setDefault(&v.Cluster, DefaultCluster)
	setDefaultPtr(&v.Env, true)
	setDefault(&v.ChangeMode, ChangeRestart)
	setDefault(&v.ChangeSignal, "SIGHUP")
	v.ChangeSignal = strings.ToUpper(v.ChangeSignal)
}

func (c *CSIPluginConfig) canonicalize() {
	if c == nil {
		return
	}
	typeinfo.Fill(c, &CSIPluginConfig{
		MountDir: "/csi", StagePublishBaseDir: "/local/csi", HealthTimeout: 30 * time.Second,
	})
}
