// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"github.com/nomadlike/nomadlike/internal/shim/embed"
)

// DirVariable names the environment variable by which the agent tells driver
// processes where the shim program may be installed. Without it the program is
// run from memory.
const DirVariable = "NOMADLIKE_SHIM_DIR"

// program is what is executed as the shim.
type program struct {
	path string
	args []string
	env  []string
	// file keeps a program in memory alive.
	file *os.File
}

// small are settings of the Go runtime for a process that has a few kilobytes
// of heap and hardly ever works: one processor, and no garbage collection before
// the heap is of a size that no ordinary task brings about.
var small = []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=12MiB"}

// theProgram finds the shim program once for the process.
var theProgram = sync.OnceValues(findProgram)

func findProgram() (*program, error) {
	if !embed.Present() {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the shim program: %w", err)
		}
		return &program{path: self, args: []string{self, Argument}}, nil
	}
	if dir := os.Getenv(DirVariable); dir != "" {
		path, err := embed.Install(dir)
		if err != nil {
			return nil, err
		}
		return &program{path: path, args: []string{embed.Name()}, env: small}, nil
	}
	f, err := embed.Open()
	if err != nil {
		return nil, errors.Join(err, fmt.Errorf("set %s to a directory to run it from", DirVariable))
	}
	path := "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))
	return &program{path: path, args: []string{"nomadlike-shim"}, env: small, file: f}, nil
}
