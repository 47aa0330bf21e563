// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package allocdir

import "os"

const openFlags = 0

// owner has no meaning on this operating system: directories inherit their access lists.
type owner struct{}

var noOwner = owner{}

func isRoot() bool { return false }

func nobody() owner { return noOwner }

func ownerOf(int, int) owner { return noOwner }

func (owner) give(*os.Root, string) error { return nil }

// ids returns the numbers of the owner, negative ones for no one.
func (o owner) ids() (uid, gid int) { return -1, -1 }
