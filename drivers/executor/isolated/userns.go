// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// The numbers of users and groups that systemd sets aside for containers, both included. See "Users, Groups, UIDs and GIDs
// on systemd Systems".
const (
	firstContainerID = 0x80000
	lastContainerID  = 0x6fffffff
	ranges           = (lastContainerID + 1 - firstContainerID) / wire.IDCount
)

// ownUsers gives the task a user namespace: its root is nobody on the host.
func ownUsers(task *executor.Task, root *shim.Root, who *shim.User) error {
	if !root.PrivatePID || !root.PrivateIPC {
		return errors.New(`userns_mode "private" needs pid_mode and ipc_mode "private" too`)
	}
	for _, m := range task.Config.Mounts {
		if m.Propagation == drivers.PropagationBidirectional {
			return fmt.Errorf(`mount %s: propagation mode "bidirectional" does not work with userns_mode "private"`, m.TaskPath)
		}
	}
	for _, id := range append([]int{who.UID, who.GID}, who.Groups...) {
		if id >= wire.IDCount {
			return fmt.Errorf(`user or group %d does not exist with userns_mode "private", where numbers end at %d`, id, wire.IDCount-1)
		}
	}
	first, err := freeRange(task.Config.ID)
	if err != nil {
		return fmt.Errorf("find numbers for the users of the task: %w", err)
	}
	root.FirstID = first
	return nil
}

// freeRange returns the first of wire.IDCount numbers of which no process on the machine, whoever started it, has one for
// its user. Tasks begin to look at different places, so that two that start at once do not find the same.
func freeRange(taskID string) (first int, err error) {
	users, err := proc.Users()
	if err != nil {
		return 0, err
	}
	taken := map[int]bool{}
	for _, uid := range users {
		if uid >= firstContainerID && uid <= lastContainerID {
			taken[(uid-firstContainerID)/wire.IDCount] = true
		}
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(taskID)) // never fails
	begin := int(hash.Sum32() % ranges)
	for n := range ranges {
		if at := (begin + n) % ranges; !taken[at] {
			return firstContainerID + at*wire.IDCount, nil
		}
	}
	return 0, errors.New("all are in use")
}
