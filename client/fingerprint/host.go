// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// arch finds the architecture as Go and as the kernel call it.
func arch(_ *Config, f *Facts) error {
	f.set("cpu.arch", runtime.GOARCH)
	f.set("kernel.arch", kernelArch())
	return nil
}

// host finds the operating system and the names of the machine.
func host(_ *Config, f *Facts) error {
	name, version := operatingSystem()
	f.set("os.name", name)
	f.set("os.version", version)
	f.set("kernel.name", runtime.GOOS)
	f.set("kernel.version", kernelVersion())
	f.set("unique.host_id", hostID())
	hostname, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("get the host name: %w", err)
	}
	f.set("unique.hostname", hostname)
	return nil
}

// signals finds the names that tasks can be sent.
func signals(_ *Config, f *Facts) error {
	f.set("os.signals", strings.Join(signalNames, ","))
	return nil
}

func cgroup(cfg *Config, f *Facts) error {
	f.set("os.cgroups.version", cfg.CgroupVersion)
	return nil
}

// landlock finds which version of the kernel's access control can be used.
func landlock(_ *Config, f *Facts) error {
	if v := landlockVersion(); v > 0 {
		f.set("kernel.landlock", fmt.Sprintf("v%d", v))
	}
	return nil
}

// product says what this agent is. The version is that of the contract, which constraints compare.
func product(cfg *Config, f *Facts) error {
	f.set("nomad.version", cfg.Version)
	f.set("nomad.revision", cfg.Revision)
	f.set("unique.advertise.address", cfg.AdvertiseAddr)
	if cfg.ServiceDiscovery {
		f.set("nomad.service_discovery", "true")
	}
	return nil
}

// parseOSRelease returns the identifier and version of an os-release file.
func parseOSRelease(text string) (id, version string) {
	for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); {
		key, value, ok := strings.Cut(strings.TrimSpace(sc.Text()), "=")
		if !ok {
			continue
		}
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	return id, version
}

// uuidForm gives 32 hexadecimal digits the dashes of a UUID.
func uuidForm(digits string) string {
	digits = strings.ToLower(strings.TrimSpace(digits))
	if len(digits) == 36 {
		return digits
	}
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}
