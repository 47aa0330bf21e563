// SPDX-License-Identifier: MPL-2.0

//go:build linux

package isolated

import "golang.org/x/sys/unix"

// architectures are the machine's own; 32-bit programs are not served.
var architectures = []*architecture{{
	audit: unix.AUDIT_ARCH_AARCH64, rules: common,
	clone: unix.SYS_CLONE, clone3: unix.SYS_CLONE3, personality: unix.SYS_PERSONALITY,
}}
