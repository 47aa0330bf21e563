// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux && !darwin

package fingerprint

import "runtime"

func operatingSystem() (name, version string) { return runtime.GOOS, "" }

func hostID() string { return "" }

func landlockVersion() int { return 0 }
