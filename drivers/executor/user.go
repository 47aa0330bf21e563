// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/internal/shim"
)

// idRange is a range of user or group numbers, both ends included.
type idRange struct{ from, to uint32 }

// IDRanges are ranges of user or group numbers.
type IDRanges []idRange

// ParseRanges reads a list such as "0,100-200".
func ParseRanges(text string) (IDRanges, error) {
	var ranges IDRanges
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.ParseUint(strings.TrimSpace(low), 10, 32)
		to, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 32)
		if err1 != nil || err2 != nil || from > to {
			return nil, fmt.Errorf("%q is neither a number nor a range such as 100-200", part)
		}
		ranges = append(ranges, idRange{uint32(from), uint32(to)})
	}
	return ranges, nil
}

func (r IDRanges) contains(id int) bool {
	return slices.ContainsFunc(r, func(one idRange) bool {
		return id >= 0 && uint64(id) >= uint64(one.from) && uint64(id) <= uint64(one.to)
	})
}

// Denied are users that no task may run as.
type Denied struct{ UIDs, GIDs IDRanges }

// ParseDenied reads denied_host_uids and denied_host_gids.
func ParseDenied(uids, gids string) (Denied, error) {
	var denied Denied
	var err, failed error
	if denied.UIDs, failed = ParseRanges(uids); failed != nil {
		err = errors.Join(err, fmt.Errorf("denied_host_uids: %w", failed))
	}
	if denied.GIDs, failed = ParseRanges(gids); failed != nil {
		err = errors.Join(err, fmt.Errorf("denied_host_gids: %w", failed))
	}
	return denied, err
}

// ResolveUser returns the user that a task runs as, nil if that is the user of
// this process, and an error if the agent's configuration denies it.
//
// Compat: the reference takes every user for a member of group 0, so that to
// deny group 0 denies everyone. Here the groups are the real ones.
func ResolveUser(name string, denied Denied) (*shim.User, error) {
	if runtime.GOOS == "windows" {
		return nil, shim.ErrUnsupported
	}
	who, err := lookupUser(name)
	if err == nil {
		err = denied.check(who)
	}
	if err != nil {
		return nil, err
	}
	if name == "" || who.UID == os.Geteuid() {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("running as user %q needs an agent that runs as root", name)
	}
	return who, nil
}

// check refuses a user that the agent's configuration denies.
func (d Denied) check(who *shim.User) error {
	if d.UIDs.contains(who.UID) {
		return fmt.Errorf("running as user %d is denied by denied_host_uids", who.UID)
	}
	for _, gid := range append([]int{who.GID}, who.Groups...) {
		if d.GIDs.contains(gid) {
			return fmt.Errorf("running as user %d in group %d is denied by denied_host_gids", who.UID, gid)
		}
	}
	return nil
}

// defaultUser is whom isolated tasks run as that name no user.
const defaultUser = "nobody"

// UserOf returns the user that an isolated task runs as, and the variables that
// describe the user to its programs.
func UserOf(name string, denied Denied) (*shim.User, map[string]string, error) {
	if name == "" {
		name = defaultUser
	}
	who, err := lookupUser(name)
	if err == nil {
		err = denied.check(who)
	}
	if err != nil {
		return nil, nil, err
	}
	found, err := user.LookupId(strconv.Itoa(who.UID))
	if err != nil {
		return nil, nil, fmt.Errorf("find user %q: %w", name, err)
	}
	return who, map[string]string{"USER": found.Username, "LOGNAME": found.Username, "HOME": found.HomeDir}, nil
}

// lookupUser finds a user by name or number; the empty name is this process's
// own user.
func lookupUser(name string) (*shim.User, error) {
	if name == "" {
		groups, err := os.Getgroups()
		if err != nil {
			return nil, fmt.Errorf("find own groups: %w", err)
		}
		return &shim.User{UID: os.Geteuid(), GID: os.Getegid(), Groups: groups}, nil
	}
	found, err := user.Lookup(name)
	if _, failed := strconv.Atoi(name); err != nil && failed == nil {
		found, err = user.LookupId(name)
	}
	if err != nil {
		return nil, fmt.Errorf("find user %q: %w", name, err)
	}
	who := &shim.User{}
	uid, err1 := strconv.Atoi(found.Uid)
	gid, err2 := strconv.Atoi(found.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("find user %q: %w", name, err)
	}
	who.UID, who.GID = uid, gid
	ids, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("find groups of user %q: %w", name, err)
	}
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil {
			who.Groups = append(who.Groups, gid)
		}
	}
	return who, nil
}
