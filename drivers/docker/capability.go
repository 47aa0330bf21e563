// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"fmt"
	"slices"
	"strings"
)

// allowedByDefault are the capabilities that tasks may have unless the agent's
// configuration says otherwise, as an expression.
const allowedByDefault = `["audit_write", "chown", "dac_override", "fowner", "fsetid", "kill", "mknod",
	"net_bind_service", "setfcap", "setgid", "setpcap", "setuid", "sys_chroot"]`

// engineBasis are the capabilities that the engine gives to a container by
// itself.
var engineBasis = newCapabilities([]string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
	"NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})

// everything stands for all capabilities there are.
const everything = "ALL"

// capabilities is a set of names without "CAP_", in upper case.
type capabilities map[string]bool

func newCapabilities(names []string) capabilities {
	set := capabilities{}
	for _, name := range names {
		set[strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "CAP_")] = true
	}
	return set
}

func (c capabilities) sorted() []string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// choose returns what the engine is to add and to drop, so that the container
// has what the engine gives and the operator allows, less what the task drops,
// and what the task adds.
func (c capabilities) choose(add, drop []string) (added, dropped []string, err error) {
	want, less := newCapabilities(add), newCapabilities(drop)
	if !c[everything] {
		var refused []string
		for _, name := range want.sorted() {
			if !c[name] {
				refused = append(refused, strings.ToLower(name))
			}
		}
		if len(refused) > 0 {
			return nil, nil, fmt.Errorf("driver does not allow the following capabilities: %s; name them in allow_caps of the docker plugin block", strings.Join(refused, ", "))
		}
		for name := range engineBasis {
			if !c[name] {
				less[name] = true
			}
		}
	}
	if less[everything] {
		less = capabilities{everything: true}
	}
	if want[everything] {
		want = capabilities{everything: true}
	}
	for name := range want {
		if name != everything {
			delete(less, name)
		}
	}
	return want.sorted(), less.sorted(), nil
}
