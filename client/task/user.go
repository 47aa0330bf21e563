// SPDX-License-Identifier: MPL-2.0

package task

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/nomadlike/nomadlike/client/users"
)

// userHook remembers the number of the user that was lent to the task.
const userHook = "dynamic_users"

// lendUser gives the task a user of its own, if its driver wants that and the job names none. It keeps the user until it
// has ended for good.
func (r *Runner) lendUser() error {
	if !r.caps.DynamicWorkloadUsers || r.task.User != "" || r.memory[userHook] != "" {
		return nil
	}
	id, err := r.deps.Users.Lend()
	if err != nil {
		return err
	}
	r.memory[userHook] = users.Name(id)
	if err := r.deps.State.PutTaskHooks(r.allocID, r.name, r.memory); err != nil {
		return fmt.Errorf("store the user of the task: %w", err)
	}
	return nil
}

// claimUser tells the pool of the user that an earlier agent lent.
func (r *Runner) claimUser() {
	if id, err := users.Parse(r.memory[userHook]); err == nil {
		r.deps.Users.Claim(id)
	}
}

// returnUser gives the user back.
func (r *Runner) returnUser() {
	id, err := users.Parse(r.memory[userHook])
	if err != nil {
		return
	}
	delete(r.memory, userHook)
	r.keepMemory()
	r.deps.Users.Return(id)
}

// userName is whom the task runs as, empty for the choice of its driver.
func (r *Runner) userName() string {
	if lent := r.memory[userHook]; lent != "" {
		return lent
	}
	if r.env == nil { // of a task that an earlier agent started
		return r.task.User
	}
	return r.env.Replace(r.task.User)
}

// userIDs are the numbers of that user and its group, -1 if they are not known.
func (r *Runner) userIDs() (uid, gid int) {
	if id, err := users.Parse(r.memory[userHook]); err == nil {
		return id, id
	}
	found, err := user.Lookup(r.userName())
	if err != nil {
		return -1, -1
	}
	uid, uidErr := strconv.Atoi(found.Uid)
	gid, gidErr := strconv.Atoi(found.Gid)
	if uidErr != nil || gidErr != nil {
		return -1, -1
	}
	return uid, gid
}
