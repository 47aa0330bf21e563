// SPDX-License-Identifier: MPL-2.0

// Package version says what this build is: the version of the product, and the version of the contract
// that it keeps, which is what nodes and servers report to clients of that contract. It imports nothing
// but the standard library.
package version

import (
	"runtime/debug"
	"sync"
)

const (
	// Version is the version of the product.
	Version = "0.1.0"
	// Prerelease is the pre-release part of Version, empty for a release.
	Prerelease = "dev"
	// CompatVersion is the version of the published contract that the product keeps. It is what the
	// node attribute nomad.version and the API report, because job constraints and clients compare it.
	CompatVersion = "2.0.6"
)

// String returns the full version of the product, "0.1.0-dev".
func String() string {
	if Prerelease == "" {
		return Version
	}
	return Version + "-" + Prerelease
}

// Revision returns the commit that the binary was built from, with "+changes" when the tree had
// uncommitted ones, or "unknown" for a build without version control.
var Revision = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, modified := "unknown", false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified && revision != "unknown" {
		revision += "+changes"
	}
	return revision
})
