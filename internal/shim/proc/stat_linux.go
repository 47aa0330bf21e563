// SPDX-License-Identifier: MPL-2.0

package proc

import (
	"bytes"
	"errors"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// Stat is what the kernel tells about a process.
type Stat struct {
	PID, Parent, Group, Session int
	// Zombie is true for a process that ended and was not waited for.
	Zombie bool
	// Stopped is true for a process halted by a signal.
	Stopped bool
	// StartTime is in clock ticks since the machine started.
	StartTime int64
	// User and System are its own processor time, ChildUser and ChildSystem
	// that of its children that were waited for, in clock ticks.
	User, System, ChildUser, ChildSystem int64
	// RSS is its resident memory in pages.
	RSS int64
}

// Get returns the figures of one process.
func Get(pid int) (Stat, error) {
	b, err := sysfs.Read("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	return parse(pid, b)
}

// parse reads a line of /proc/<pid>/stat (proc_pid_stat(5)). The name in
// parentheses may itself hold spaces and parentheses.
func parse(pid int, b []byte) (Stat, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return Stat{}, unix.EINVAL
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 22 {
		return Stat{}, unix.EINVAL
	}
	// f[0] is field 3 of the manual page.
	num := func(field int) int64 {
		v, _ := strconv.ParseInt(string(f[field-3]), 10, 64)
		return v
	}
	state := f[0][0]
	return Stat{
		PID: pid,
		// One whose first thread has ended while others run looks like a zombie, but for the number of threads.
		Zombie:      state == 'Z' && num(20) <= 1 || state == 'X' || state == 'x',
		Stopped:     state == 'T' || state == 't',
		Parent:      int(num(4)),
		Group:       int(num(5)),
		Session:     int(num(6)),
		User:        num(14),
		System:      num(15),
		ChildUser:   num(16),
		ChildSystem: num(17),
		StartTime:   num(22),
		RSS:         num(24),
	}, nil
}

// StartTime returns the start time of a process, or an error if there is no
// such process or it only waits to be collected.
func StartTime(pid int) (int64, error) {
	st, err := Get(pid)
	if err != nil {
		return 0, err
	}
	if st.Zombie {
		return 0, unix.ESRCH
	}
	return st.StartTime, nil
}

// Files returns how many files a process may open at most, 0 if that is not known: the soft limit.
func Files(pid int) uint64 {
	var files uint64
	_ = sysfs.EachLine("/proc/"+strconv.Itoa(pid)+"/limits", make([]byte, 4096), func(line []byte) {
		if limits, ok := bytes.CutPrefix(line, []byte("Max open files ")); ok {
			soft, _, _ := bytes.Cut(bytes.TrimSpace(limits), []byte{' '})
			files, _ = strconv.ParseUint(string(soft), 10, 64)
		}
	})
	return files
}

// All returns the figures of every process that can be seen.
func All() ([]Stat, error) {
	pids, err := sysfs.Numbers("/proc")
	if err != nil {
		return nil, err
	}
	all := make([]Stat, 0, len(pids))
	for _, pid := range pids {
		if st, err := Get(pid); err == nil {
			all = append(all, st)
		}
	}
	return all, nil
}

// Users returns the users of all processes, as often as there are processes.
func Users() ([]int, error) {
	pids, err := sysfs.Numbers("/proc")
	if err != nil {
		return nil, err
	}
	var users []int
	buf := make([]byte, 4096)
	for _, pid := range pids {
		// One that has ended meanwhile is as good as one that was never there.
		_ = sysfs.EachLine("/proc/"+strconv.Itoa(pid)+"/status", buf, func(line []byte) {
			if ids, ok := bytes.CutPrefix(line, []byte("Uid:\t")); ok {
				real, _, _ := bytes.Cut(ids, []byte{'\t'})
				if uid, err := strconv.Atoi(string(real)); err == nil {
					users = append(users, uid)
				}
			}
		})
	}
	return users, nil
}

// Descendants returns the processes below root, root not included, that are
// still alive. A process that is forked meanwhile may be missed.
func Descendants(root int) ([]Stat, error) {
	if found, err := tree(root); err == nil {
		return found, nil
	}
	all, err := All()
	if err != nil {
		return nil, err
	}
	return below(all, root), nil
}

// tree follows the kernel's lists of children, which costs as much as the tree
// is large and not as the machine is. Not every kernel keeps them.
func tree(root int) ([]Stat, error) {
	todo, err := children(root)
	if err != nil {
		return nil, err
	}
	var found []Stat
	seen := map[int]bool{root: true}
	for len(todo) > 0 {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pid] {
			continue
		}
		seen[pid] = true
		// A zombie can have children as long as some of its threads live.
		if more, err := children(pid); err == nil {
			todo = append(todo, more...)
		}
		if st, err := Get(pid); err == nil && !st.Zombie {
			found = append(found, st)
		}
	}
	return found, nil
}

// children lists the children of all threads of a process.
func children(pid int) ([]int, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, err := sysfs.Numbers(dir)
	if err != nil {
		return nil, err
	}
	var list []int
	for _, tid := range threads {
		b, err := sysfs.Read(dir + strconv.Itoa(tid) + "/children")
		if errors.Is(err, unix.ENOENT) && tid == pid {
			return nil, err
		}
		for word := range bytes.FieldsSeq(b) {
			if child, err := strconv.Atoi(string(word)); err == nil {
				list = append(list, child)
			}
		}
	}
	return list, nil
}

func below(all []Stat, root int) []Stat {
	byParent := make(map[int][]int, len(all))
	for i, st := range all {
		byParent[st.Parent] = append(byParent[st.Parent], i)
	}
	var found []Stat
	todo := []int{root}
	for len(todo) > 0 {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, i := range byParent[pid] {
			if all[i].PID == root {
				continue
			}
			todo = append(todo, all[i].PID)
			if !all[i].Zombie {
				found = append(found, all[i])
			}
		}
		delete(byParent, pid)
	}
	return found
}

// BootID identifies the present run of the kernel.
func BootID() string {
	b, err := sysfs.Read("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}
