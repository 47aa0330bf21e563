// SPDX-License-Identifier: MPL-2.0

package command

import (
	"slices"
	"strings"

	"github.com/hashicorp/cli"
)

// commands is the whole command line by name; aliases stand beside what they mean.
func commands(s streams) map[string]cli.CommandFactory {
	table := map[string]func() *spec{
		"agent":            agentCommand,
		"job run":          jobRunCommand,
		"run":              jobRunCommand,
		"job plan":         jobPlanCommand,
		"plan":             jobPlanCommand,
		"job validate":     jobValidateCommand,
		"validate":         jobValidateCommand,
		"job init":         jobInitCommand,
		"init":             jobInitCommand,
		"job status":       jobStatusCommand,
		"job stop":         jobStopCommand,
		"stop":             jobStopCommand,
		"job inspect":      jobInspectCommand,
		"inspect":          jobInspectCommand,
		"job history":      jobHistoryCommand,
		"alloc status":     allocStatusCommand,
		"alloc-status":     allocStatusCommand,
		"alloc logs":       allocLogsCommand,
		"logs":             allocLogsCommand,
		"alloc fs":         allocFSCommand,
		"fs":               allocFSCommand,
		"alloc stop":       allocStopCommand,
		"alloc restart":    allocRestartCommand,
		"alloc signal":     allocSignalCommand,
		"eval list":        evalListCommand,
		"eval status":      evalStatusCommand,
		"eval-status":      evalStatusCommand,
		"node status":      nodeStatusCommand,
		"node-status":      nodeStatusCommand,
		"node eligibility": nodeEligibilityCommand,
		"server members":   serverMembersCommand,
		"server-members":   serverMembersCommand,
		"system gc":        systemGCCommand,
		"config validate":  configValidateCommand,
		"sim nodes":        simNodesCommand,
		"status":           statusCommand,
		"version":          versionCommand,
	}
	out := map[string]cli.CommandFactory{}
	for name, make := range table {
		out[name] = factory(s, make)
	}
	for group, synopsis := range map[string]string{
		"job": "Work with jobs", "alloc": "Work with allocations", "eval": "Look at evaluations", "node": "Work with nodes",
		"server": "Look at servers", "system": "Work with the cluster's state", "config": "Check agent configuration",
		"sim": "Simulate parts of a cluster",
	} {
		out[group] = func() (cli.Command, error) { return groupCommand{group, synopsis}, nil }
	}
	return out
}

// aliases returns the names of table that the help leaves out because another says the same.
func aliases(table map[string]cli.CommandFactory) []string {
	return slices.DeleteFunc(sortedKeys(table), func(n string) bool {
		group, rest, hyphen := strings.Cut(n, "-")
		alias := hyphen && table[group+" "+rest] != nil || slices.Contains([]string{"fs", "init", "inspect", "logs", "plan", "validate"}, n)
		return !alias
	})
}

// groupCommand is a word that only holds other commands.
type groupCommand struct{ group, synopsis string }

func (g groupCommand) Synopsis() string { return g.synopsis }

// Help introduces the list of subcommands that the library appends.
func (g groupCommand) Help() string {
	return "Usage: " + name + " " + g.group + " <subcommand> [options] [args]\n\n  " + g.synopsis + "."
}

// Run shows the help; a group alone does nothing.
func (g groupCommand) Run([]string) int { return cli.RunResultHelp }
