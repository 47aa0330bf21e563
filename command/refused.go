// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"slices"
	"strings"
)

// What the refused commands lack.
const (
	noACL       = "access control is not part of this version: agents take every request, so there are no tokens, policies, roles or logins to work with"
	noVariables = "variables are not part of this version: agents keep none"
	noKeyring   = "this version has no root key ring: nothing is encrypted with it and no identities are signed"
	noVolumes   = "this version has no volumes that are made or registered through the API; host volumes of the agent configuration and \"volume status\" work"
	noIdentity  = "this version gives nodes no signed identities: a node proves itself with the secret that it registered with"
	noSetup     = "this version does not sign workload identities, which is what the other product would be set up to trust"
	noWindows   = "this version installs no Windows service; run \"agent\" from a service manager of your choice"
)

// refusedCommands are the commands of the contract that this version does not have, with what is missing. A line
// goes when the command comes.
var refusedCommands = map[string]string{
	"acl auth-method create":  noACL,
	"acl auth-method delete":  noACL,
	"acl auth-method info":    noACL,
	"acl auth-method list":    noACL,
	"acl auth-method update":  noACL,
	"acl binding-rule create": noACL,
	"acl binding-rule delete": noACL,
	"acl binding-rule info":   noACL,
	"acl binding-rule list":   noACL,
	"acl binding-rule update": noACL,
	"acl bootstrap":           noACL,
	"acl policy apply":        noACL,
	"acl policy delete":       noACL,
	"acl policy info":         noACL,
	"acl policy list":         noACL,
	"acl policy self":         noACL,
	"acl role create":         noACL,
	"acl role delete":         noACL,
	"acl role info":           noACL,
	"acl role list":           noACL,
	"acl role update":         noACL,
	"acl token create":        noACL,
	"acl token delete":        noACL,
	"acl token info":          noACL,
	"acl token list":          noACL,
	"acl token self":          noACL,
	"acl token update":        noACL,
	"login":                   noACL,

	"var get":   noVariables,
	"var init":  noVariables,
	"var list":  noVariables,
	"var lock":  noVariables,
	"var purge": noVariables,
	"var put":   noVariables,

	"operator root keyring list":   noKeyring,
	"operator root keyring remove": noKeyring,
	"operator root keyring rotate": noKeyring,

	"operator raft migrate-backend": "this version has one kind of raft log, raft.db: there is nothing to migrate between",

	"node identity get":   noIdentity,
	"node identity renew": noIdentity,
	"node intro create":   noIdentity,

	"volume claim delete":    noVolumes,
	"volume claim list":      noVolumes,
	"volume create":          noVolumes,
	"volume delete":          noVolumes,
	"volume deregister":      noVolumes,
	"volume detach":          noVolumes,
	"volume init":            noVolumes,
	"volume register":        noVolumes,
	"volume snapshot create": noVolumes,
	"volume snapshot delete": noVolumes,
	"volume snapshot list":   noVolumes,

	"setup consul": noSetup,
	"setup vault":  noSetup,

	"windows service install":   noWindows,
	"windows service uninstall": noWindows,
}

// refusedCommand is a command of the contract that this version does not have.
type refusedCommand struct {
	streams
	command, missing string
}

// Synopsis is shown in lists of commands.
func (r refusedCommand) Synopsis() string { return "Not part of this version" }

// Help says what is missing.
func (r refusedCommand) Help() string {
	why := fmt.Sprintf("Not part of this version of %s: %s.", name, r.missing)
	return fmt.Sprintf("Usage: %s %s\n\n%s", name, r.command, wrap(strings.Fields(why), " ", "  ", 110))
}

// Run refuses, whatever the arguments, unless they ask for help.
func (r refusedCommand) Run(args []string) int {
	if slices.ContainsFunc(args, func(a string) bool { return slices.Contains(helpFlags, a) }) {
		fmt.Fprintln(r.out, r.Help())
		return 0
	}
	fmt.Fprintf(r.err, "%q is not supported: %s\n", strings.Join([]string{name, r.command}, " "), r.missing)
	return 1
}
