// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// capabilityNames are the capabilities by number.
var capabilityNames = []string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
	"LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
}

// historic are the capabilities of root before any were added: the first 38.
const historic = 1<<38 - 1

// defaults are what tasks have of what they may have.
var defaults = mustCapabilities("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")

func bit(name string) uint64 {
	if n := slices.Index(capabilityNames, name); n >= 0 {
		return 1 << n
	}
	return 0
}

func mustCapabilities(names ...string) uint64 {
	var set uint64
	for _, name := range names {
		set |= bit(name)
	}
	return set
}

// supported are the capabilities that the running kernel knows.
func supported() uint64 {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err == nil {
		if last, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && last < 63 {
			return 1<<(last+1) - 1
		}
	}
	return historic
}

// held are the capabilities that this process has and can pass on.
func held() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return historic
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapPrm:"); ok {
			if set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64); err == nil {
				return set
			}
		}
	}
	return historic
}

// parseCapabilities reads names in any case, with or without CAP_; "all" are all
// that the kernel knows.
func parseCapabilities(names []string) (uint64, error) {
	kernel := supported()
	var set uint64
	for _, name := range names {
		plain := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "CAP_")
		switch one := bit(plain); {
		case plain == "ALL":
			set |= kernel
		case one&kernel == 0:
			return 0, fmt.Errorf("capability %q is not known to this kernel", name)
		default:
			set |= one
		}
	}
	return set, nil
}

// effective returns what a task has: the defaults as far as they are allowed,
// without what it drops, with what it adds.
func effective(allow, add, drop []string) (uint64, error) {
	allowed, err := parseCapabilities(allow)
	if err != nil {
		return 0, err
	}
	added, err := parseCapabilities(add)
	if err != nil {
		return 0, fmt.Errorf("cap_add: %w", err)
	}
	dropped, err := parseCapabilities(drop)
	if err != nil {
		return 0, fmt.Errorf("cap_drop: %w", err)
	}
	if refused := added &^ allowed; refused != 0 {
		var names []string
		for n, name := range capabilityNames {
			if refused&(1<<n) != 0 {
				names = append(names, strings.ToLower(name))
			}
		}
		return 0, fmt.Errorf("driver does not allow the following capabilities: %s; name them in allow_caps of its plugin block", strings.Join(names, ", "))
	}
	return defaults&allowed&^dropped | added, nil
}
