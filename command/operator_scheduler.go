// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func schedulerGetCommand() *spec {
	var out output
	return &spec{
		usage: "operator scheduler get-config [options]", synopsis: "Show the scheduler configuration", remote: true,
		long:  "Shows how the servers schedule.\n\nExample:\n\n    $ nomadlike operator scheduler get-config",
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			resp, err := schedulerConfig(ctx, c)
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, resp)
			}
			s := resp.SchedulerConfig
			fmt.Fprintln(m.out, pairs(
				"Scheduler Algorithm", s.SchedulerAlgorithm,
				"Memory Oversubscription", strconv.FormatBool(s.MemoryOversubscriptionEnabled),
				"Reject Job Registration", strconv.FormatBool(s.RejectJobRegistration),
				"Pause Eval Broker", strconv.FormatBool(s.PauseEvalBroker),
				"Preemption System Scheduler", strconv.FormatBool(s.PreemptionConfig.SystemSchedulerEnabled),
				"Preemption Service Scheduler", strconv.FormatBool(s.PreemptionConfig.ServiceSchedulerEnabled),
				"Preemption Batch Scheduler", strconv.FormatBool(s.PreemptionConfig.BatchSchedulerEnabled),
				"Preemption SysBatch Scheduler", strconv.FormatBool(s.PreemptionConfig.SysBatchSchedulerEnabled),
				"Node Limit For Feasibility Checks", strconv.Itoa(s.NodeLimitForFeasibilityChecks),
				"Modify Index", strconv.FormatUint(s.ModifyIndex, 10),
			))
			return nil
		}),
	}
}

func schedulerConfig(ctx context.Context, c *client.Client) (*api.SchedulerConfigurationResponse, error) {
	resp, _, err := api.SchedulerConfigGet.Call(ctx, c, &api.OperatorReadRequest{})
	if err == nil && (resp == nil || resp.SchedulerConfig == nil) {
		err = errors.New("the answer has no configuration")
	}
	if err != nil {
		return nil, doing("Error querying scheduler configuration", err)
	}
	return resp, nil
}

// schedulerChange is what "operator scheduler set-config" is told.
type schedulerChange struct {
	want  api.SchedulerConfiguration
	index string
}

func schedulerSetCommand() *spec {
	var s schedulerChange
	return &spec{
		usage: "operator scheduler set-config [options]", synopsis: "Change the scheduler configuration", remote: true,
		long: `Changes the settings that are given; the others stay.

Example:

    $ nomadlike operator scheduler set-config -scheduler-algorithm spread -memory-oversubscription=true`,
		flags: s.register,
		run:   remotely(nil, s.run),
	}
}

func (s *schedulerChange) register(f *flag.FlagSet) {
	w := &s.want
	f.StringVar(&s.index, "check-index", "", "Change only what has this modify `index`; 0 only when there is no configuration.")
	f.StringVar(&w.SchedulerAlgorithm, "scheduler-algorithm", "", "How nodes are chosen, the `name` binpack or spread.")
	f.BoolVar(&w.MemoryOversubscriptionEnabled, "memory-oversubscription", false, "Let tasks use more memory than is set aside for them, up to memory_max.")
	f.BoolVar(&w.RejectJobRegistration, "reject-job-registration", false, "Take jobs from holders of management tokens only.")
	f.BoolVar(&w.PauseEvalBroker, "pause-eval-broker", false, "Leave evaluations waiting.")
	f.BoolVar(&w.PreemptionConfig.BatchSchedulerEnabled, "preempt-batch-scheduler", false, "Let batch jobs stop allocations of lower priority.")
	f.BoolVar(&w.PreemptionConfig.ServiceSchedulerEnabled, "preempt-service-scheduler", false, "Let service jobs stop allocations of lower priority.")
	f.BoolVar(&w.PreemptionConfig.SysBatchSchedulerEnabled, "preempt-sysbatch-scheduler", false, "Let sysbatch jobs stop allocations of lower priority.")
	f.BoolVar(&w.PreemptionConfig.SystemSchedulerEnabled, "preempt-system-scheduler", false, "Let system jobs stop allocations of lower priority.")
	f.IntVar(&w.NodeLimitForFeasibilityChecks, "node-limit-for-feasibility-checks", 0, "The number `n` of nodes that are scored for jobs with spread or affinities, 0 for the default.")
}

func (s *schedulerChange) run(ctx context.Context, m *meta, c *client.Client, _ []string) error {
	if s.index != "" {
		if _, err := strconv.ParseUint(s.index, 10, 64); err != nil {
			return fmt.Errorf("Error parsing check-index value %q: %w", s.index, err) //nolint:staticcheck // the contract's text
		}
	}
	resp, err := schedulerConfig(ctx, c)
	if err != nil {
		return err
	}
	cfg := resp.SchedulerConfig
	m.flags.Visit(func(f *flag.Flag) { s.apply(f.Name, cfg) })
	set, _, err := api.SchedulerConfigSet.Call(ctx, c, &api.SchedulerSetRequest{CAS: s.index, Config: cfg})
	if err != nil {
		return doing("Error setting scheduler configuration", err)
	}
	if s.index != "" && !set.Updated {
		return fmt.Errorf("Error performing check index set: the configuration has modify index %d, not %s", resp.SchedulerConfig.ModifyIndex, s.index) //nolint:staticcheck // the contract's text
	}
	fmt.Fprintln(m.out, "Scheduler configuration updated!")
	return nil
}

// apply sets what the option names.
func (s *schedulerChange) apply(option string, cfg *api.SchedulerConfiguration) {
	w := &s.want
	switch option {
	case "scheduler-algorithm":
		cfg.SchedulerAlgorithm = w.SchedulerAlgorithm
	case "memory-oversubscription":
		cfg.MemoryOversubscriptionEnabled = w.MemoryOversubscriptionEnabled
	case "reject-job-registration":
		cfg.RejectJobRegistration = w.RejectJobRegistration
	case "pause-eval-broker":
		cfg.PauseEvalBroker = w.PauseEvalBroker
	case "preempt-batch-scheduler":
		cfg.PreemptionConfig.BatchSchedulerEnabled = w.PreemptionConfig.BatchSchedulerEnabled
	case "preempt-service-scheduler":
		cfg.PreemptionConfig.ServiceSchedulerEnabled = w.PreemptionConfig.ServiceSchedulerEnabled
	case "preempt-sysbatch-scheduler":
		cfg.PreemptionConfig.SysBatchSchedulerEnabled = w.PreemptionConfig.SysBatchSchedulerEnabled
	case "preempt-system-scheduler":
		cfg.PreemptionConfig.SystemSchedulerEnabled = w.PreemptionConfig.SystemSchedulerEnabled
	case "node-limit-for-feasibility-checks":
		cfg.NodeLimitForFeasibilityChecks = w.NodeLimitForFeasibilityChecks
	}
}
