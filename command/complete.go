// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/cli"
	posener "github.com/posener/complete"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/version"
)

// What the arguments of a command are, for completion: files, or the context of a search.
const (
	completeFiles = "files"
	completeDirs  = "directories"

	completeJobs        = "jobs"
	completeAllocs      = "allocs"
	completeEvals       = "evals"
	completeDeployments = "deployment"
	completeNodes       = "nodes"
	completeNodePools   = "node_pools"
	completeNamespaces  = "namespaces"
	completePolicies    = "scaling_policy"
	completeAll         = "all"

	completeServices = "services"
	completeServers  = "servers"
)

// completeWait bounds how long a shell waits for an agent.
const completeWait = 2 * time.Second

// completing says whether the shell asks for completions.
func completing() bool { return os.Getenv("COMP_LINE") != "" }

// completionSetup says whether the user asks for completion to be set up, or removed.
func completionSetup(args []string) (asked, remove bool) {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			break // the flags of a command are its own
		}
		switch strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-") {
		case "autocomplete-install":
			return true, false
		case "autocomplete-uninstall":
			return true, true
		}
	}
	return false, false
}

// setUpCompletion changes the profiles of the user's shells.
func setUpCompletion(s streams, remove bool) int {
	changed, err := installCompletion(remove)
	for _, path := range changed {
		fmt.Fprintf(s.out, "Changed %s\n", path)
	}
	if err != nil {
		fmt.Fprintf(s.err, "Error setting up completion: %v\n", err)
		return 1
	}
	switch {
	case len(changed) == 0:
		fmt.Fprintln(s.out, "There is nothing to change.")
	case !remove:
		fmt.Fprintln(s.out, "New shells complete the commands, flags and identifiers of "+name+".")
	}
	return 0
}

// complete answers a shell (bash, zsh and fish set COMP_LINE).
func complete(args []string, s streams) int {
	table := commands(s)
	// Bash, which alone sets COMP_TYPE, replaces what comes after an equals sign; other shells replace the whole word.
	if os.Getenv("COMP_TYPE") == "" {
		if words, ok := flagValues(table, os.Getenv("COMP_LINE")); ok {
			for _, w := range words {
				fmt.Fprintln(s.out, w)
			}
			return 0
		}
	}
	c := &cli.CLI{
		Name: name, Version: version.String(), Args: args, Commands: table,
		HiddenCommands: slices.DeleteFunc(sortedKeys(aliases), func(n string) bool { return !strings.Contains(n, "-") }),
		HelpWriter:     s.out,
		ErrorWriter:    s.err,
		Autocomplete:   true,
	}
	code, err := c.Run()
	if err != nil {
		fmt.Fprintln(s.err, err)
		return 1
	}
	return code
}

// flagValues returns what the last word of a line may be if that is a flag with the beginning of its value.
func flagValues(table map[string]cli.CommandFactory, line string) (found []string, ok bool) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasSuffix(line, " ") {
		return nil, false
	}
	last := words[len(words)-1]
	flag, value, ok := strings.Cut(last, "=")
	if !ok || !strings.HasPrefix(flag, "-") {
		return nil, false
	}
	words = words[1 : len(words)-1]
	for n := len(words); n > 0; n-- {
		made := table[strings.Join(words[:n], " ")]
		if made == nil {
			continue
		}
		c, err := made()
		if err != nil {
			return nil, true
		}
		completed, isCommand := c.(*command)
		if !isCommand {
			return nil, true
		}
		if p := completed.AutocompleteFlags()["-"+strings.TrimLeft(flag, "-")]; p != nil {
			for _, v := range p.Predict(posener.Args{Completed: words, Last: value, LastCompleted: flag}) {
				if strings.HasPrefix(v, value) {
					found = append(found, flag+"="+v)
				}
			}
		}
		return found, true
	}
	return nil, true
}

// AutocompleteFlags tells the shell's completion the flags.
func (c *command) AutocompleteFlags() posener.Flags {
	out := posener.Flags{}
	c.meta().flags.VisitAll(func(f *flag.Flag) {
		if _, ok := f.Value.(*refused); ok {
			return
		}
		out["-"+f.Name] = c.predictFlag(f)
	})
	return out
}

// predictFlag says what the value of a flag may be.
func (c *command) predictFlag(f *flag.Flag) posener.Predictor {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return posener.PredictNothing
	}
	if what := c.spec.flagCompletes[f.Name]; what != "" {
		return c.predict(what)
	}
	switch value, _ := flag.UnquoteUsage(f); value {
	case "file", "path":
		return c.predict(completeFiles)
	case "directory":
		return c.predict(completeDirs)
	}
	switch f.Name {
	case "namespace":
		return c.predict(completeNamespaces)
	case "node-id":
		return c.predict(completeNodes)
	case "server-id":
		return c.predict(completeServers)
	case "region":
		return posener.PredictFunc(func(a posener.Args) []string {
			return c.ask(a, func(ctx context.Context, cl *client.Client) ([]string, error) {
				regions, _, err := api.RegionList.Call(ctx, cl, &api.AgentRequest{})
				return regions, err
			})
		})
	}
	return posener.PredictAnything
}

// AutocompleteArgs completes file names or what the agent knows.
func (c *command) AutocompleteArgs() posener.Predictor {
	if c.spec.completes != completeAllocs || c.meta().flags.Lookup("job") == nil {
		return c.predict(c.spec.completes)
	}
	return posener.PredictFunc(func(a posener.Args) []string {
		what := completeAllocs
		if slices.ContainsFunc(a.Completed, func(w string) bool { return w == "-job" || w == "--job" }) {
			what = completeJobs
		}
		return c.predict(what).Predict(a)
	})
}

// predict completes one of the complete… constants.
func (c *command) predict(what string) posener.Predictor {
	switch what {
	case "":
		return posener.PredictNothing
	case completeFiles:
		return posener.PredictFiles("*")
	case completeDirs:
		return posener.PredictDirs("*")
	case completeServices:
		return posener.PredictFunc(func(a posener.Args) []string { return c.ask(a, serviceNames) })
	case completeServers:
		return posener.PredictFunc(func(a posener.Args) []string { return c.ask(a, serverNames) })
	}
	return posener.PredictFunc(func(a posener.Args) []string {
		return c.ask(a, func(ctx context.Context, cl *client.Client) ([]string, error) {
			resp, _, err := api.Search.Call(ctx, cl, &api.SearchRequest{Text: a.Last, Context: what})
			if err != nil {
				return nil, err
			}
			var out []string
			for _, k := range sortedKeys(resp.Matches) {
				out = append(out, resp.Matches[k]...)
			}
			return out, nil
		})
	})
}

// ask calls the agent that the line's flags and the environment describe. A shell has no place for errors:
// what cannot be asked completes to nothing.
func (c *command) ask(a posener.Args, call func(context.Context, *client.Client) ([]string, error)) []string {
	m := c.meta()
	words := a.Completed
	for i, w := range words {
		if strings.HasPrefix(w, "-") {
			words = words[i:]
			break
		}
	}
	if len(words) > 0 && strings.HasPrefix(words[0], "-") {
		_ = m.flags.Parse(words) // what is wrong now may be right when the line is complete
	}
	cl, err := m.client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeWait)
	defer cancel()
	out, err := call(ctx, cl)
	if err != nil {
		return nil
	}
	return out
}

// serviceNames lists the names of services, which the search by prefix does not know.
func serviceNames(ctx context.Context, cl *client.Client) ([]string, error) {
	list, _, err := api.ServiceList.Call(ctx, cl, &api.ServiceListRequest{})
	var out []string
	for _, ns := range list {
		for _, s := range ns.Services {
			out = append(out, s.ServiceName)
		}
	}
	return out, err
}

// serverNames lists the names of servers, which no search knows.
func serverNames(ctx context.Context, cl *client.Client) ([]string, error) {
	list, _, err := api.AgentMembers.Call(ctx, cl, &api.AgentRequest{})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range list.Members {
		out = append(out, m.Name)
	}
	return out, nil
}
