// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

const cpuKey = `HARDWARE\DESCRIPTION\System\CentralProcessor\0`

func cpuModel() string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, cpuKey, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	model, _, err := k.GetStringValue("ProcessorNameString")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(model)
}

func cpuMHz() uint64 {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, cpuKey, registry.QUERY_VALUE)
	if err != nil {
		return 0
	}
	defer k.Close()
	mhz, _, err := k.GetIntegerValue("~MHz")
	if err != nil {
		return 0
	}
	return mhz
}

// memoryStatus is MEMORYSTATUSEX.
type memoryStatus struct {
	length                                  uint32
	load                                    uint32
	totalPhys, availPhys                    uint64
	totalPage, availPage                    uint64
	totalVirtual, availVirtual, availExtend uint64
}

var globalMemoryStatus = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

// memoryBytes is the size of the main memory.
func memoryBytes() (uint64, error) {
	var m memoryStatus
	m.length = uint32(unsafe.Sizeof(m))
	if ok, _, err := globalMemoryStatus.Call(uintptr(unsafe.Pointer(&m))); ok == 0 {
		return 0, fmt.Errorf("get the size of the memory: %w", err)
	}
	return m.totalPhys, nil
}
