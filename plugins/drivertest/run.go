// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"slices"
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Run runs the suite as subtests.
func Run(t *testing.T, h Harness) {
	if h.Exit == nil || h.Run == nil {
		t.Fatal("a harness needs at least Exit and Run")
	}
	shared := newRig(t, h)
	run := func(name string, applies bool, test func(*testing.T, *rig)) {
		if applies {
			t.Run(name, func(t *testing.T) { test(t, shared.with(t)) })
		}
	}
	run("info", true, testInfo)
	run("capabilities", true, testCapabilities)
	run("fingerprint", true, testFingerprint)
	run("events", true, testEvents)
	run("configure again", true, testConfigureAgain)

	run("exit codes", true, testExitCodes)
	run("output", h.Print != nil && streamsReadable, testOutput)
	run("double start", true, testDoubleStart)
	run("invalid", h.Invalid != nil, testInvalid)
	run("inspect", true, testInspect)
	run("wait", true, testWait)
	run("concurrent tasks", true, testConcurrentTasks)

	run("stop", true, testStop)
	run("stop stubborn", h.Stubborn != nil && streamsReadable, testStopStubborn)
	run("destroy", true, testDestroy)
	run("unknown task", true, testUnknownTask)

	run("signal", h.Signals, testSignal)
	run("signal unsupported", !h.Signals, testSignalUnsupported)
	run("stats", h.Stats, testStats)
	run("exec", h.Exec != nil, testExec)
	run("exec streaming", h.Exec != nil, testExecStreaming)

	recovers := h.SurvivesPlugin
	run("recover", recovers, alone(testRecover))
	run("recover after shutdown", recovers, alone(testRecoverAfterShutdown))
	run("recover an exited task", recovers && h.Await != nil, alone(testRecoverExited))
	run("recover output", recovers && h.Trap != nil && streamsReadable, alone(testRecoverOutput))
	run("recover nothing", true, testRecoverNothing)
	run("plugin death", true, alone(testPluginDeath))
}

// alone gives a test that kills its plugin one of its own.
func alone(test func(*testing.T, *rig)) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) { test(t, newRig(t, r.Harness)) }
}

func testInfo(t *testing.T, r *rig) {
	info, err := r.driver.PluginInfo(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != base.TypeDriver || info.Name != r.Name {
		t.Errorf("the plugin is the %s %q, want the %s %q", info.Type, info.Name, base.TypeDriver, r.Name)
	}
	if !slices.Contains(info.APIVersions, base.APIVersion) {
		t.Errorf("the plugin speaks %q, want %s among it", info.APIVersions, base.APIVersion)
	}
	if _, err := version.NewVersion(info.Version); err != nil {
		t.Errorf("plugin version: %v", err)
	}
}

func testCapabilities(t *testing.T, r *rig) {
	capabilities, err := r.driver.Capabilities(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if capabilities.SendSignals && !r.Signals {
		t.Error("the driver claims to send signals, which the harness denies")
	}
	if capabilities.Exec && r.Exec == nil {
		t.Error("the driver claims to run commands, which the harness denies")
	}
}

func testFingerprint(t *testing.T, r *rig) {
	ctx, cancel := contextOf(r)
	defer cancel()
	stream, err := r.driver.Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, ok := receive(r, stream)
	switch {
	case !ok:
		t.Fatal("the fingerprint stream delivered nothing")
	case first.Err != nil:
		t.Fatal(first.Err)
	case first.Health != drivers.HealthHealthy:
		t.Errorf("the driver is %s (%s), want %s", first.Health, first.HealthDescription, drivers.HealthHealthy)
	case first.HealthDescription == "":
		t.Error("the health has no description")
	}
	for name, attribute := range first.Attributes {
		if err := attribute.Validate(); err != nil {
			t.Errorf("attribute %s: %v", name, err)
		}
	}
	cancel()
	drained(t, r, stream)
}

func testEvents(t *testing.T, r *rig) {
	ctx, cancel := contextOf(r)
	stream, err := r.driver.TaskEvents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	drained(t, r, stream)
}

func testConfigureAgain(t *testing.T, r *rig) {
	r.configure(t)
	task, _ := r.run(t)
	r.configure(t)
	r.stillRunning(t, task.ID)
}
