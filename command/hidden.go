// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/client/artifact"
	"github.com/nomadlike/nomadlike/command/agent"
	"github.com/nomadlike/nomadlike/drivers/docker"
	"github.com/nomadlike/nomadlike/drivers/exec"
	"github.com/nomadlike/nomadlike/drivers/java"
	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/drivers/qemu"
	"github.com/nomadlike/nomadlike/drivers/rawexec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// driverArgument is the word that makes this binary a driver plugin: "driver NAME".
const driverArgument = "driver"

// internalDriver is a driver in this binary.
type internalDriver struct {
	make func(hclog.Logger) drivers.Driver
	// usable says why the machine cannot run it at present, so that no process stands by in vain.
	usable func() error
}

// internalDrivers are the drivers in this binary.
var internalDrivers = map[string]internalDriver{
	docker.Name:  {func(l hclog.Logger) drivers.Driver { return docker.New(l) }, docker.Usable},
	exec.Name:    {func(l hclog.Logger) drivers.Driver { return exec.New(l) }, exec.Usable},
	java.Name:    {func(l hclog.Logger) drivers.Driver { return java.New(l) }, java.Usable},
	qemu.Name:    {func(l hclog.Logger) drivers.Driver { return qemu.New(l) }, qemu.Usable},
	rawexec.Name: {func(l hclog.Logger) drivers.Driver { return rawexec.New(l) }, rawexec.Usable},
	mock.Name:    {func(l hclog.Logger) drivers.Driver { return mock.New(l) }, nil},
}

// agentDrivers are the drivers as agents know them.
func agentDrivers() []agent.Driver {
	var list []agent.Driver
	for _, name := range sortedKeys(internalDrivers) {
		list = append(list, agent.Driver{Name: name, Usable: internalDrivers[name].usable})
	}
	return list
}

// hidden runs the entry points that agents and drivers start: the task shim, the child that downloads artifacts and the driver plugins. They
// are no commands of the command line.
func hidden(args []string) (code int, ok bool) {
	shim.Main() // does not return if this process is a shim
	if len(args) == 1 && args[0] == artifact.Verb {
		return artifact.Main(), true
	}
	if len(args) < 2 || args[0] != driverArgument {
		return 0, false
	}
	driver, known := internalDrivers[args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "no driver %q in this binary; there are %v\n", args[1], sortedKeys(internalDrivers))
		return 1, true
	}
	plugins.Serve(driver.make(plugins.Logger().Named(args[1])))
	return 0, true
}
