// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

const mount = "/sys/fs/cgroup"

// Enter moves the calling thread into version 1 groups, so that a process it
// forks is in them from its first instruction. Moving one's own thread is the
// one way that takes no lock across the machine. The caller holds on to its
// thread until it has called leave.
//
// It returns the groups that could not be entered with the reason for the last
// of them; what was entered stays entered until leave.
func Enter(dirs []string) (leave func() error, refused []string, err error) {
	if len(dirs) == 0 {
		return func() error { return nil }, nil, nil
	}
	own, err := sysfs.Read("/proc/thread-self/cgroup")
	if err != nil {
		return func() error { return nil }, dirs, err
	}
	var back []string
	for _, dir := range dirs {
		home, ok := homeOf(own, dir)
		if !ok {
			refused, err = append(refused, dir), unix.EINVAL // no group of version 1
			if e := unix.Access(dir, unix.F_OK); e != nil {
				err = e
			}
			continue
		}
		if e := sysfs.Write(dir+"/tasks", "0"); e != nil {
			refused, err = append(refused, dir), e
			continue
		}
		back = append(back, home)
	}
	leave = func() error {
		var failed error
		for _, home := range back {
			if e := sysfs.Write(home+"/tasks", "0"); e != nil {
				failed = e
			}
		}
		return failed
	}
	return leave, refused, err
}

// homeOf returns the group of dir's controller that a thread is in, from the
// lines "9:cpu,cpuacct:/path" in own.
func homeOf(own []byte, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, mount+"/")
	if !ok {
		return "", false
	}
	hierarchy, _, _ := strings.Cut(rest, "/")
	for line := range bytes.Lines(own) {
		f := bytes.SplitN(bytes.TrimSpace(line), []byte{':'}, 3)
		if len(f) != 3 {
			continue
		}
		for name := range bytes.SplitSeq(f[1], []byte{','}) {
			for want := range strings.SplitSeq(hierarchy, ",") {
				if string(name) == want {
					return mount + "/" + hierarchy + strings.TrimSuffix(string(f[2]), "/"), true
				}
			}
		}
	}
	return "", false
}
