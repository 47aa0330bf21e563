// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// knownHosts is the file in which ssh keeps the servers that the user of this process trusts, or "".
func knownHosts() string {
	who, err := user.Current()
	if err != nil || who.HomeDir == "" {
		return ""
	}
	return filepath.Join(who.HomeDir, ".ssh", "known_hosts")
}

// LookupOwner finds the owner that a task's user means: a name, a number, or "user:group". It returns nil for no
// user, whose files stay as they are.
func LookupOwner(name string) (*Owner, error) {
	if name == "" {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, &Error{Final: true, text: "files can be given to users only by an agent that runs as root"}
	}
	who, group, hasGroup := strings.Cut(name, ":")
	o := &Owner{}
	uid, err := strconv.Atoi(who)
	if err == nil {
		o.UID, o.GID = uid, uid
		if u, err := user.LookupId(who); err == nil {
			o.GID, _ = strconv.Atoi(u.Gid)
		}
	} else {
		u, err := user.Lookup(who)
		if err != nil {
			return nil, &Error{Final: true, text: "this node has no user " + strconv.Quote(who)}
		}
		o.UID, _ = strconv.Atoi(u.Uid)
		o.GID, _ = strconv.Atoi(u.Gid)
	}
	if !hasGroup {
		return o, nil
	}
	if o.GID, err = strconv.Atoi(group); err == nil {
		return o, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return nil, &Error{Final: true, text: "this node has no group " + strconv.Quote(group)}
	}
	o.GID, _ = strconv.Atoi(g.Gid)
	return o, nil
}
