// SPDX-License-Identifier: MPL-2.0

package arch

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// platforms are one of each operating system and of each processor that a release is made for; the other combinations
// have no code of their own.
var platforms = [][2]string{{"linux", "arm64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

// TestBuildsEverywhere builds every package for other platforms than this one.
func TestBuildsEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for every platform only without -short")
	}
	for _, p := range platforms {
		goos, arch := p[0], p[1]
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
