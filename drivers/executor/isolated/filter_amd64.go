// SPDX-License-Identifier: MPL-2.0

//go:build linux

package isolated

import (
	"slices"

	"golang.org/x/sys/unix"
)

// architectures are the machine's own and that of its 32-bit programs, whose
// numbers are another table.
var architectures = []*architecture{
	{
		audit: unix.AUDIT_ARCH_X86_64, foreign: 0x40000000,
		clone: unix.SYS_CLONE, clone3: unix.SYS_CLONE3, personality: unix.SYS_PERSONALITY,
		rules: slices.Concat(common, []rule{
			{"", []uint32{
				unix.SYS_CREATE_MODULE, unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE, unix.SYS_SYSFS, unix.SYS_USELIB,
				unix.SYS_USTAT, unix.SYS__SYSCTL,
			}},
			{"SYS_RAWIO", []uint32{unix.SYS_IOPL, unix.SYS_IOPERM}},
		}),
	},
	{
		audit: unix.AUDIT_ARCH_I386, clone: 120, clone3: 435, personality: 136,
		rules: []rule{
			{"", []uint32{283, 286, 287, 288, 374, 425, 426, 427, 169, 317, 87, 115, 127, 130, 167, 135, 86, 62, 149, 113, 166}},
			{"SYS_ADMIN", []uint32{21, 22, 52, 217, 428, 429, 430, 431, 432, 433, 442, 346, 310, 131, 443, 338, 253}},
			{"BPF", []uint32{357}},
			{"PERFMON", []uint32{336}},
			{"SYSLOG", []uint32{103}},
			{"SYS_BOOT", []uint32{88}},
			{"SYS_MODULE", []uint32{128, 350, 129}},
			{"SYS_PACCT", []uint32{51}},
			{"SYS_TIME", []uint32{25, 79, 264, 404}},
			{"SYS_NICE", []uint32{274, 276, 275, 294}},
			{"SYS_PTRACE", []uint32{349, 347, 348, 438}},
			{"SYS_TTY_CONFIG", []uint32{111}},
			{"DAC_READ_SEARCH", []uint32{342}},
			{"SYS_RAWIO", []uint32{110, 101}},
		},
	},
}
