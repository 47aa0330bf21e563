// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// defaultInterface is the interface of the default route, empty when there is none.
func defaultInterface() string {
	if f, err := os.Open("/proc/net/route"); err == nil {
		defer f.Close()
		if name := defaultRoute4(f); name != "" {
			return name
		}
	}
	if f, err := os.Open("/proc/net/ipv6_route"); err == nil {
		defer f.Close()
		return defaultRoute6(f)
	}
	return ""
}

// routeUp and routeReject are flags of the kernel's route tables.
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// defaultRoute4 returns the interface of the default route with the lowest metric.
func defaultRoute4(table io.Reader) string {
	best, metric := "", uint64(0)
	for sc := bufio.NewScanner(table); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		flags, err := strconv.ParseUint(f[3], 16, 32)
		if err != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		if m, err := strconv.ParseUint(f[6], 10, 32); err == nil && (best == "" || m < metric) {
			best, metric = f[0], m
		}
	}
	return best
}

func defaultRoute6(table io.Reader) string {
	zero := strings.Repeat("0", 32)
	best, metric := "", uint64(0)
	for sc := bufio.NewScanner(table); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 10 || f[0] != zero || f[1] != "00" || f[9] == "lo" {
			continue
		}
		flags, err := strconv.ParseUint(f[8], 16, 32)
		if err != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		if m, err := strconv.ParseUint(f[5], 16, 32); err == nil && (best == "" || m < metric) {
			best, metric = f[9], m
		}
	}
	return best
}

// interfaceSpeed is in Mbit/s, 0 when unknown.
func interfaceSpeed(name string) int {
	text, err := os.ReadFile("/sys/class/net/" + filepath.Base(name) + "/speed")
	if err != nil {
		return 0
	}
	speed, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return max(speed, 0)
}
