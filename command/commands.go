// SPDX-License-Identifier: MPL-2.0

package command

import (
	"maps"

	"github.com/hashicorp/cli"
)

// makers make the commands of one group, by name.
type makers map[string]func() *spec

var jobCommands = makers{
	"job action":         jobActionCommand,
	"job allocs":         jobAllocsCommand,
	"job deployments":    jobDeploymentsCommand,
	"job explain":        jobExplainCommand,
	"job dispatch":       jobDispatchCommand,
	"job eval":           jobEvalCommand,
	"job history":        jobHistoryCommand,
	"job init":           jobInitCommand,
	"job inspect":        jobInspectCommand,
	"job periodic force": jobPeriodicForceCommand,
	"job plan":           jobPlanCommand,
	"job promote":        jobPromoteCommand,
	"job restart":        jobRestartCommand,
	"job revert":         jobRevertCommand,
	"job run":            jobRunCommand,
	"job scale":          jobScaleCommand,
	"job scaling-events": jobScalingEventsCommand,
	"job start":          jobStartCommand,
	"job status":         jobStatusCommand,
	"job stop":           jobStopCommand,
	"job tag apply":      jobTagApplyCommand,
	"job tag unset":      jobTagUnsetCommand,
	"job validate":       jobValidateCommand,
}

var allocCommands = makers{
	"alloc checks":  allocChecksCommand,
	"alloc exec":    allocExecCommand,
	"alloc fs":      allocFSCommand,
	"alloc logs":    allocLogsCommand,
	"alloc pause":   allocPauseCommand,
	"alloc restart": allocRestartCommand,
	"alloc signal":  allocSignalCommand,
	"alloc status":  allocStatusCommand,
	"alloc stop":    allocStopCommand,
}

var evalCommands = makers{
	"eval delete": evalDeleteCommand,
	"eval list":   evalListCommand,
	"eval status": evalStatusCommand,
}

var deploymentCommands = makers{
	"deployment fail":    deploymentFailCommand,
	"deployment list":    deploymentListCommand,
	"deployment pause":   deploymentPauseCommand,
	"deployment promote": deploymentPromoteCommand,
	"deployment resume":  deploymentResumeCommand,
	"deployment status":  deploymentStatusCommand,
	"deployment unblock": deploymentUnblockCommand,
}

var simCommands = makers{
	"sim nodes": simNodesCommand,
}

var otherCommands = makers{
	"agent":  agentCommand,
	"status": statusCommand,
}

// aliases are second names of commands; only the common ones are in the help.
var aliases = map[string]string{
	"run":      "job run",
	"stop":     "job stop",
	"start":    "job start",
	"action":   "job action",
	"plan":     "job plan",
	"validate": "job validate",
	"init":     "job init",
	"inspect":  "job inspect",

	"logs":         "alloc logs",
	"fs":           "alloc fs",
	"exec":         "alloc exec",
	"alloc-status": "alloc status",

	"eval-status": "eval status",
}

// groups are the words that only hold other commands, with what they are for.
var groups = map[string]string{
	"job":   "Work with jobs",
	"alloc": "Work with allocations",
	"eval":  "Work with evaluations",

	"job periodic": "Work with periodic jobs",
	"job tag":      "Name versions of jobs",

	"deployment": "Work with deployments",

	"sim": "Simulate parts of a cluster",
}

func init() {
	maps.Copy(aliases, clusterAliases)
	maps.Copy(groups, clusterGroups)
}

// commands is the whole command line by name, aliases and groups included.
func commands(s streams) map[string]cli.CommandFactory {
	table := makers{}
	for _, m := range []makers{
		jobCommands,
		allocCommands,
		evalCommands,
		deploymentCommands,
		simCommands,
		otherCommands,
		clusterCommands,
	} {
		maps.Copy(table, m)
	}
	out := map[string]cli.CommandFactory{}
	for name, make := range table {
		out[name] = factory(s, make)
	}
	for name, k := range commercialCommands {
		out[name] = factory(s, func() *spec { return k.command(name) })
	}
	for name, missing := range refusedCommands {
		out[name] = func() (cli.Command, error) { return refusedCommand{s, name, missing}, nil }
	}
	for alias, name := range aliases {
		out[alias] = out[name]
	}
	for group, synopsis := range groups {
		out[group] = func() (cli.Command, error) { return groupCommand{group, synopsis}, nil }
	}
	return out
}

// groupCommand is a word that only holds other commands.
type groupCommand struct{ group, synopsis string }

func (g groupCommand) Synopsis() string { return g.synopsis }

// Help introduces the list of subcommands.
func (g groupCommand) Help() string {
	return "Usage: " + name + " " + g.group + " <subcommand> [options] [args]\n\n  " + g.synopsis + "."
}

// Run is not called: runCommand shows the help of a group.
func (g groupCommand) Run([]string) int { return cli.RunResultHelp }
