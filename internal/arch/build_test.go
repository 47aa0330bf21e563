// SPDX-License-Identifier: MPL-2.0

package arch

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// TestBuildsEverywhere builds every package for each platform that a release is made for.
func TestBuildsEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for every platform only without -short")
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			if goos == runtime.GOOS && arch == runtime.GOARCH {
				continue // the other tests were built for it
			}
			t.Run(goos+"/"+arch, func(t *testing.T) {
				cmd := exec.Command("go", "build", "./...")
				cmd.Dir = moduleRoot(t)
				cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go build for %s/%s: %v\n%s", goos, arch, err, out)
				}
			})
		}
	}
}
