// SPDX-License-Identifier: MPL-2.0

package values

// units are the suffixes an attribute may carry.
var units = buildUnits()

func buildUnits() map[string]bool {
	known := map[string]bool{
		"MHz": true, "GHz": true,
		"mW": true, "W": true, "kW": true, "MW": true, "GW": true,
	}
	for _, size := range []string{
		"KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
		"kB", "KB", "MB", "GB", "TB", "PB", "EB",
	} {
		known[size] = true
		known[size+"/s"] = true
	}
	return known
}

// KnownUnit reports whether the plugin contract knows the unit.
func KnownUnit(unit string) bool { return units[unit] }
