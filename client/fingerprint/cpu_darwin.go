// SPDX-License-Identifier: MPL-2.0

package fingerprint

import "golang.org/x/sys/unix"

func cpuModel() string {
	model, err := unix.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return model
}

// cpuMHz is 0 on processors that do not tell, which newer ones do not.
func cpuMHz() uint64 {
	hz, err := unix.SysctlUint64("hw.cpufrequency")
	if err != nil {
		return 0
	}
	return hz / 1e6
}

// memoryBytes is the size of the main memory.
func memoryBytes() (uint64, error) { return unix.SysctlUint64("hw.memsize") }
