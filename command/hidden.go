// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/drivers/rawexec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// driverArgument is the word that makes this binary a driver plugin: "driver NAME".
const driverArgument = "driver"

// internalDrivers are the drivers in this binary.
var internalDrivers = map[string]func(hclog.Logger) drivers.Driver{
	rawexec.Name: func(l hclog.Logger) drivers.Driver { return rawexec.New(l) },
	mock.Name:    func(l hclog.Logger) drivers.Driver { return mock.New(l) },
}

// hidden runs the entry points that agents and drivers start: the task shim and the driver plugins. They
// are no commands of the command line.
func hidden(args []string) (code int, ok bool) {
	shim.Main() // does not return if this process is a shim
	if len(args) < 2 || args[0] != driverArgument {
		return 0, false
	}
	make := internalDrivers[args[1]]
	if make == nil {
		fmt.Fprintf(os.Stderr, "no driver %q in this binary; there are %v\n", args[1], sortedKeys(internalDrivers))
		return 1, true
	}
	plugins.Serve(make(plugins.Logger().Named(args[1])))
	return 0, true
}
