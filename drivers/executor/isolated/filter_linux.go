// SPDX-License-Identifier: MPL-2.0

//go:build linux && (amd64 || arm64)

package isolated

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// rule says that system calls are refused to tasks without a capability. An
// empty name refuses them to all.
type rule struct {
	capability string
	calls      []uint32
}

// common are the rules for calls that every architecture has.
var common = []rule{
	{"", []uint32{
		unix.SYS_KEXEC_LOAD, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_USERFAULTFD,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_NFSSERVCTL,
		unix.SYS_MOVE_PAGES, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	}},
	{"SYS_ADMIN", []uint32{
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN,
		unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_SETNS, unix.SYS_UNSHARE,
		unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT, unix.SYS_LOOKUP_DCOOKIE,
	}},
	{"BPF", []uint32{unix.SYS_BPF}},
	{"PERFMON", []uint32{unix.SYS_PERF_EVENT_OPEN}},
	{"SYSLOG", []uint32{unix.SYS_SYSLOG}},
	{"SYS_BOOT", []uint32{unix.SYS_REBOOT, unix.SYS_KEXEC_FILE_LOAD}},
	{"SYS_MODULE", []uint32{unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE}},
	{"SYS_PACCT", []uint32{unix.SYS_ACCT}},
	{"SYS_TIME", []uint32{unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME}},
	{"SYS_NICE", []uint32{unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY, unix.SYS_GET_MEMPOLICY, unix.SYS_MIGRATE_PAGES}},
	{"SYS_PTRACE", []uint32{unix.SYS_KCMP, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD}},
	{"SYS_TTY_CONFIG", []uint32{unix.SYS_VHANGUP}},
	{"DAC_READ_SEARCH", []uint32{unix.SYS_OPEN_BY_HANDLE_AT}},
}

// architecture is one whose system calls the kernel takes.
type architecture struct {
	audit uint32
	rules []rule
	// clone, clone3 and personality are looked at more closely; the last one
	// need not exist.
	clone, clone3, personality uint32
	// foreign is the number from which on calls are those of another
	// convention, 0 if there is none.
	foreign uint32
}

// Places in what the kernel tells of a call, and what it is told.
const (
	atCall     = 0
	atArch     = 4
	atArgument = 16 // the lower half of the first argument

	allow     = 0x7fff0000
	refuse    = 0x00050000 | uint32(unix.EPERM)
	unknown   = 0x00050000 | uint32(unix.ENOSYS)
	newSpaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID |
		unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP
)

// personalities are those that change nothing but how a program is served.
var personalities = []uint32{0, 8, 0x20000, 0x20008, 0xffffffff}

// program is written instruction by instruction.
type program struct{ code []byte }

func (p *program) put(code uint16, yes, no uint8, k uint32) {
	p.code = binary.NativeEndian.AppendUint16(p.code, code)
	p.code = append(p.code, yes, no)
	p.code = binary.NativeEndian.AppendUint32(p.code, k)
}

func (p *program) load(at uint32)  { p.put(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, at) }
func (p *program) ret(what uint32) { p.put(unix.BPF_RET|unix.BPF_K, 0, 0, what) }

// ifEqual returns what if the value loaded is k.
func (p *program) ifEqual(k, what uint32) {
	p.put(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, k)
	p.ret(what)
}

// newFilter returns a program that refuses system calls which tasks with the
// given capabilities have no use for, and through which a machine was broken
// out of before.
func newFilter(capabilities uint64) []byte {
	p := &program{}
	for _, a := range architectures {
		one := &program{}
		a.write(one, capabilities)
		instructions := uint32(len(one.code) / 8)
		p.load(atArch)
		p.put(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, a.audit)
		p.put(unix.BPF_JMP|unix.BPF_JA, 0, 0, instructions)
		p.code = append(p.code, one.code...)
	}
	p.ret(unknown) // calls of an architecture that is not known
	return p.code
}

func (a *architecture) write(p *program, capabilities uint64) {
	p.load(atCall)
	if a.foreign > 0 {
		p.put(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 1, a.foreign)
		p.ret(unknown)
	}
	admin := capabilities&bit("SYS_ADMIN") != 0
	for _, r := range a.rules {
		if r.capability == "" || capabilities&bit(r.capability) == 0 && (!admin || !slices.Contains([]string{"BPF", "PERFMON", "SYSLOG"}, r.capability)) {
			for _, call := range r.calls {
				p.ifEqual(call, refuse)
			}
		}
	}
	if !admin {
		// Programs fall back to clone, whose flags can be seen.
		p.ifEqual(a.clone3, unknown)
		p.put(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 4, a.clone)
		p.load(atArgument)
		p.put(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, newSpaces)
		p.ret(refuse)
		p.ret(allow)
	}
	p.put(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, uint8(2*len(personalities)+2), a.personality)
	p.load(atArgument)
	for _, k := range personalities {
		p.ifEqual(k, allow)
	}
	p.ret(refuse)
	p.ret(allow)
}
