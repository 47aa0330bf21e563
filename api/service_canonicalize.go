// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strings"
	"time"
)

// canonicalize fills the defaults of a service of the group, or of the task when that is not nil.
func (s *Service) canonicalize(job *Job, g *TaskGroup, t *Task, at stage) {
	base := job.Name + "-" + g.Name
	if t != nil {
		base += "-" + t.Name
	}
	setDefault(&s.Name, base)
	setDefault(&s.Provider, ProviderConsul)
	setDefault(&s.AddressMode, "auto")
	setDefault(&s.OnUpdate, "require_healthy")
	setDefault(&s.Cluster, DefaultCluster)
	if s.Weights != nil {
		setDefault(&s.Weights.Passing, 1)
		setDefault(&s.Weights.Warning, 1)
	}
	if at == serverStage {
		s.interpolateName(job, g, t, base)
		s.Namespace = job.Namespace
		if s.Provider == ProviderConsul {
			s.Namespace = "default"
		}
		if t != nil {
			setDefault(&s.TaskName, t.Name)
		}
	}
	for _, c := range s.Checks {
		c.canonicalize(s, at)
	}
	if at == serverStage {
		s.CheckRestart = nil // merged into the checks
	}
	s.Identity.canonicalize()
	s.Connect.canonicalize()
}

// interpolateName replaces what is known at registration; other ${} are left for the client.
func (s *Service) interpolateName(job *Job, g *TaskGroup, t *Task, base string) {
	if !strings.Contains(s.Name, "${") {
		return
	}
	known := []string{"${JOB}", job.Name, "${TASKGROUP}", g.Name, "${BASE}", base}
	if t != nil {
		known = append(known, "${TASK}", t.Name)
	}
	s.Name = strings.NewReplacer(known...).Replace(s.Name)
}

func (c *ServiceCheck) canonicalize(s *Service, at stage) {
	setDefault(&c.OnUpdate, s.OnUpdate)
	c.CheckRestart = merged(c.CheckRestart, s.CheckRestart)
	if c.CheckRestart != nil {
		setDefaultPtr(&c.CheckRestart.Grace, time.Second)
	}
	if at == serverStage {
		setDefault(&c.Name, `service: "`+s.Name+`" check`)
	}
}

func (c *Connect) canonicalize() {
	if c == nil {
		return
	}
	if side := c.SidecarService; side != nil && side.Proxy != nil {
		p := side.Proxy
		if p.Expose == nil {
			p.Expose = p.ExposeConfig
		}
		p.ExposeConfig = nil
		if p.Expose != nil {
			if p.Expose.Paths == nil {
				p.Expose.Paths = p.Expose.Path
			}
			p.Expose.Path = nil
		}
	}
	if c.Gateway == nil {
		return
	}
	if c.Gateway.Proxy == nil {
		c.Gateway.Proxy = &GatewayProxy{}
	}
	setDefaultPtr(&c.Gateway.Proxy.ConnectTimeout, 5*time.Second)
	if c.Gateway.Ingress != nil {
		for _, l := range c.Gateway.Ingress.Listeners {
			setDefault(&l.Protocol, "tcp")
		}
	}
}
