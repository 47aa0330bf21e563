// SPDX-License-Identifier: MPL-2.0

package mock

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// pluginSchema is that of the agent's plugin block.
var pluginSchema = hclspec.Object(hclspec.Fields{
	"fs_isolation":               hclspec.AttrOr("fs_isolation", "string", `"none"`),
	"shutdown_periodic_after":    hclspec.AttrOr("shutdown_periodic_after", "bool", "false"),
	"shutdown_periodic_duration": hclspec.AttrOr("shutdown_periodic_duration", "number", "0"),
})

// pluginConfig is the agent's plugin block.
type pluginConfig struct {
	FSIsolation string `codec:"fs_isolation"`

	// The driver turns undetected this long after SetConfig.
	ShutdownPeriodicAfter    bool          `codec:"shutdown_periodic_after"`
	ShutdownPeriodicDuration time.Duration `codec:"shutdown_periodic_duration"` // nanoseconds
}

func (c *pluginConfig) validate() error {
	switch drivers.FSIsolation(c.FSIsolation) {
	case "":
		c.FSIsolation = string(drivers.FSIsolationNone)
	case drivers.FSIsolationNone, drivers.FSIsolationChroot, drivers.FSIsolationImage, drivers.FSIsolationUnveil:
	default:
		return fmt.Errorf("fs_isolation: %q is not one of none, chroot, image, unveil", c.FSIsolation)
	}
	return nil
}

// commandFields are the options of a simulated command, which a task is too.
func commandFields() hclspec.Fields {
	return hclspec.Fields{
		"run_for":                hclspec.Attr("run_for", "string"),
		"exit_code":              hclspec.Attr("exit_code", "number"),
		"exit_signal":            hclspec.Attr("exit_signal", "number"),
		"exit_err_msg":           hclspec.Attr("exit_err_msg", "string"),
		"signal_error":           hclspec.Attr("signal_error", "string"),
		"stdout_string":          hclspec.Attr("stdout_string", "string"),
		"stdout_repeat":          hclspec.Attr("stdout_repeat", "number"),
		"stdout_repeat_duration": hclspec.Attr("stdout_repeat_duration", "string"),
		"stderr_string":          hclspec.Attr("stderr_string", "string"),
		"stderr_repeat":          hclspec.Attr("stderr_repeat", "number"),
		"stderr_repeat_duration": hclspec.Attr("stderr_repeat_duration", "string"),
	}
}

// taskSchema is that of a task's config block.
var taskSchema = func() *hclspec.Spec {
	fields := commandFields()
	fields["start_error"] = hclspec.Attr("start_error", "string")
	fields["start_error_recoverable"] = hclspec.Attr("start_error_recoverable", "bool")
	fields["start_block_for"] = hclspec.Attr("start_block_for", "string")
	fields["kill_after"] = hclspec.Attr("kill_after", "string")
	fields["plugin_exit_after"] = hclspec.Attr("plugin_exit_after", "string")
	fields["driver_ip"] = hclspec.Attr("driver_ip", "string")
	fields["driver_advertise"] = hclspec.Attr("driver_advertise", "bool")
	fields["driver_port_map"] = hclspec.Attr("driver_port_map", "string")
	fields["exec_command"] = hclspec.Block("exec_command", hclspec.Object(commandFields()))
	return hclspec.Object(fields)
}()

// duration is a time.Duration that is written in Go's notation; empty is zero.
type duration time.Duration

// UnmarshalConfig implements hclspec.Unmarshaler.
func (d *duration) UnmarshalConfig(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("%T is not a duration", value)
	}
	if text == "" {
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 10s", text)
	}
	*d = duration(parsed)
	return nil
}

// commandConfig says what a simulated command does.
type commandConfig struct {
	RunFor duration `codec:"run_for"`

	ExitCode    int    `codec:"exit_code"`
	ExitSignal  int    `codec:"exit_signal"`
	ExitErrMsg  string `codec:"exit_err_msg"`
	SignalError string `codec:"signal_error"`

	StdoutString         string   `codec:"stdout_string"`
	StdoutRepeat         int      `codec:"stdout_repeat"`
	StdoutRepeatDuration duration `codec:"stdout_repeat_duration"`
	StderrString         string   `codec:"stderr_string"`
	StderrRepeat         int      `codec:"stderr_repeat"`
	StderrRepeatDuration duration `codec:"stderr_repeat_duration"`
}

// exit is the result of the command when it ends by itself.
func (c *commandConfig) exit() *drivers.ExitResult {
	result := &drivers.ExitResult{ExitCode: c.ExitCode, Signal: c.ExitSignal}
	if c.ExitErrMsg != "" {
		result.Err = errors.New(c.ExitErrMsg)
	}
	return result
}

// taskConfig is a task's config block.
type taskConfig struct {
	commandConfig

	StartError            string   `codec:"start_error"`
	StartErrorRecoverable bool     `codec:"start_error_recoverable"`
	StartBlockFor         duration `codec:"start_block_for"`
	KillAfter             duration `codec:"kill_after"`
	PluginExitAfter       duration `codec:"plugin_exit_after"`

	DriverIP        string `codec:"driver_ip"`
	DriverAdvertise bool   `codec:"driver_advertise"`
	DriverPortMap   string `codec:"driver_port_map"`

	ExecCommand *commandConfig `codec:"exec_command"`

	ports map[string]int
}

func decodeTask(data []byte) (*taskConfig, error) {
	config := &taskConfig{}
	if err := hclspec.Decode(data, config); err != nil {
		return nil, err
	}
	if config.DriverPortMap != "" {
		label, text, ok := strings.Cut(config.DriverPortMap, ":")
		port, err := strconv.Atoi(text)
		if !ok || err != nil {
			return nil, fmt.Errorf("driver_port_map: %q is not a label and a port such as http:80", config.DriverPortMap)
		}
		config.ports = map[string]int{label: port}
	}
	return config, nil
}

// override is the network override that the task asks for, or nil.
func (c *taskConfig) override() *drivers.NetworkOverride {
	if c.DriverIP == "" && !c.DriverAdvertise && c.ports == nil {
		return nil
	}
	return &drivers.NetworkOverride{IP: c.DriverIP, AutoAdvertise: c.DriverAdvertise, PortMap: c.ports}
}
