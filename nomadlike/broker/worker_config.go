// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// WorkerConfig says how many evaluations are scheduled at a time, and those of which job types.
type WorkerConfig struct {
	Num   int
	Kinds []string
}

// allKinds are the job types in the order in which they are told.
var allKinds = []string{api.JobTypeService, api.JobTypeBatch, api.JobTypeSystem, api.JobTypeSysBatch}

// AllKinds returns the job types that can be scheduled.
func AllKinds() []string { return slices.Clone(allKinds) }

// Validate returns everything that is wrong with the configuration.
func (c WorkerConfig) Validate() error {
	var errs []error
	if c.Num < 0 || c.Num > runtime.NumCPU() {
		errs = append(errs, fmt.Errorf("number of schedulers %d is not between 0 and the number of CPUs, %d", c.Num, runtime.NumCPU()))
	}
	for _, k := range c.Kinds {
		if !slices.Contains(allKinds, k) {
			errs = append(errs, fmt.Errorf("unknown scheduler %q", k))
		}
	}
	if c.Num > 0 && len(c.Kinds) == 0 {
		errs = append(errs, errors.New("no schedulers are enabled"))
	}
	return errors.Join(errs...)
}

// WorkerInfo is what one of the places for evaluations does.
type WorkerInfo struct {
	ID      string
	Started time.Time
	// Status and Workload have the words of http-types.md.
	Status, Workload string
}

// workerState is the present configuration and when each worker began.
type workerState struct {
	sync.Mutex
	config WorkerConfig
	infos  []WorkerInfo
}

// setLocked takes a configuration; workers that stay keep their names.
func (w *workerState) setLocked(c WorkerConfig) {
	w.config = WorkerConfig{Num: c.Num, Kinds: slices.Clone(c.Kinds)}
	for len(w.infos) < c.Num {
		w.infos = append(w.infos, WorkerInfo{ID: api.NewID(), Started: time.Now()})
	}
	w.infos = w.infos[:c.Num]
}

// Workers returns how evaluations are scheduled.
func (s *Service) Workers() WorkerConfig {
	s.state.Lock()
	defer s.state.Unlock()
	return WorkerConfig{Num: s.state.config.Num, Kinds: slices.Clone(s.state.config.Kinds)}
}

// SetWorkers changes how evaluations are scheduled. What is in progress finishes first.
func (s *Service) SetWorkers(c WorkerConfig) {
	s.state.Lock()
	same := s.state.config.Num == c.Num && slices.Equal(s.state.config.Kinds, c.Kinds)
	s.state.setLocked(c)
	s.state.Unlock()
	if !same {
		s.Reload()
	}
}

// WorkerInfos tells what the workers do. Off the leader, and while the broker is paused, they rest.
func (s *Service) WorkerInfos() []WorkerInfo {
	s.state.Lock()
	out := slices.Clone(s.state.infos)
	s.state.Unlock()
	active := s.Evals.Enabled()
	busy := s.workers.busy()
	for i := range out {
		switch {
		case !active:
			out[i].Status, out[i].Workload = "Paused", "Paused"
		case i < busy:
			out[i].Status, out[i].Workload = "Started", "Scheduling"
		default:
			out[i].Status, out[i].Workload = "Started", "WaitingToDequeue"
		}
	}
	return out
}
