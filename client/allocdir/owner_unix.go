// SPDX-License-Identifier: MPL-2.0

//go:build unix

package allocdir

import (
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
)

// openFlags keep an open from waiting for the other end of a pipe.
const openFlags = syscall.O_NONBLOCK

// owner is who a directory is given to.
type owner struct {
	uid, gid int
	given    bool
}

var noOwner = owner{}

func isRoot() bool { return os.Geteuid() == 0 }

// nobody is the owner of what tasks may write to when the agent runs as root, and no one otherwise.
var nobody = sync.OnceValue(func() owner {
	if !isRoot() {
		return noOwner
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return noOwner
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return noOwner
	}
	return owner{uid: uid, gid: gid, given: true}
})

// ownerOf is the owner with these numbers when the agent may give files away, and no one otherwise.
func ownerOf(uid, gid int) owner { return owner{uid: uid, gid: gid, given: isRoot()} }

// ids returns the numbers of the owner, negative ones for no one.
func (o owner) ids() (uid, gid int) {
	if !o.given {
		return -1, -1
	}
	return o.uid, o.gid
}

func (o owner) give(root *os.Root, name string) error {
	if !o.given {
		return nil
	}
	return root.Lchown(name, o.uid, o.gid)
}
