// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package fingerprint

import (
	"runtime"

	"github.com/nomadlike/nomadlike/api"
)

// processors counts the cores; what more is known depends on the system.
func processors() (processor, error) {
	p := processor{model: cpuModel()}
	mhz := cpuMHz()
	for i := range runtime.NumCPU() {
		p.cores = append(p.cores, api.NodeProcessorCore{ID: uint16(i), Grade: true, BaseSpeed: mhz})
	}
	return p, nil
}
