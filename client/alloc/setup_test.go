// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func TestConfigIsInterpolated(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		main := tk("t", `print=${env["GREETING"]} ${NOMAD_TASK_NAME} on ${node.unique.name}, ${upper(node.datacenter)}`)
		main.Env = map[string]string{"GREETING": "hello from ${NOMAD_ALLOC_INDEX}"}
		b.run(allocation(job(api.JobTypeService, main)))
		if got, want := b.machine.Printed("t"), "hello from 0 t on node-1, DC1"; got != want {
			t.Errorf("driver was sent %q, want %q", got, want)
		}
		cfg := b.machine.Config("t")
		if cfg.Resources.CPUShares != 100 || cfg.Resources.MemoryMB != 64 || cfg.Resources.Linux.MemoryLimitBytes != 64<<20 || cfg.Resources.Linux.PercentTicks != 0.1 {
			t.Errorf("resources = %+v %+v", cfg.Resources, cfg.Resources.Linux)
		}
		if !strings.HasPrefix(cfg.ID, testID+"/t/") || cfg.AllocDir != filepath.Join(b.dirs.Path(), testID) || cfg.Env["NOMAD_TASK_DIR"] != cfg.LocalDir() {
			t.Errorf("config = %+v", cfg)
		}
	})
}

func TestImageDriversHaveTheirOwnDirectories(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.deps.Tasks.HostEnv = map[string]string{"PATH": "/host/bin"}
		b.machine.SetCapabilities(drivers.Capabilities{FSIsolation: drivers.FSIsolationImage})
		b.run(allocation(job(api.JobTypeService, tk("t"))))
		env := b.machine.Config("t").Env
		if env["NOMAD_TASK_DIR"] != "/local" || env["NOMAD_ALLOC_DIR"] != "/alloc" || env["NOMAD_SECRETS_DIR"] != "/secrets" || env["PATH"] != "" {
			t.Errorf("environment = %v", env)
		}
	})
}

func TestSetupFailureFailsAllTasks(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		if err := os.WriteFile(filepath.Join(b.dirs.Path(), testID), []byte("in the way"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := b.run(allocation(job(api.JobTypeService, tk("t"), tk("u"))))
		wantState(t, r, "t", api.TaskStateDead, true, 0)
		wantState(t, r, "u", api.TaskStateDead, true, 0)
		if got := r.Report().ClientStatus; got != api.AllocClientFailed {
			t.Errorf("status %s", got)
		}
		if got := events(r, "t"); !strings.Contains(got, "Setup Failure: failed to setup alloc: ") {
			t.Errorf("events\n%s", got)
		}
		if err := os.Remove(filepath.Join(b.dirs.Path(), testID)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJobWithoutTheGroup(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := allocation(job(api.JobTypeService, tk("t")))
		a.TaskGroup = "other"
		r := b.run(a)
		if got := r.Report().ClientStatus; got != api.AllocClientFailed {
			t.Errorf("status %s", got)
		}
		r.Destroy()
		<-r.Done()
		delete(b.runners, testID)
	})
}

func TestStickyDataMovesToTheReplacement(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		j := job(api.JobTypeService, tk("t"))
		j.TaskGroups[0].EphemeralDisk = &api.EphemeralDisk{Sticky: true}
		prev := b.run(allocation(j))
		for _, f := range []string{"alloc/data/db", "t/local/cache"} {
			if err := os.WriteFile(filepath.Join(prev.Dir().Path(), f), []byte("data"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		a := allocation(j)
		a.ID, a.PreviousAllocation = "99999999-bd7f-3b9c-47d2-f2d8a714cc74", testID
		next := b.run(a)
		wantState(t, next, "t", api.TaskStatePending, false, 0) // waits for the end of the first
		prev.Update(stopped(prev))
		synctest.Wait()
		wantState(t, next, "t", api.TaskStateRunning, false, 0)
		for _, f := range []string{"alloc/data/db", "t/local/cache"} {
			if data, err := os.ReadFile(filepath.Join(next.Dir().Path(), f)); err != nil || string(data) != "data" {
				t.Errorf("%s = %q, %v", f, data, err)
			}
		}
	})
}

func TestPreemptingAllocationWaits(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		victim := b.run(allocation(job(api.JobTypeService, tk("t"))))
		a := allocation(job(api.JobTypeService, tk("t")))
		a.ID, a.PreemptedAllocations = "99999999-bd7f-3b9c-47d2-f2d8a714cc74", []string{testID, "00000000-bd7f-3b9c-47d2-f2d8a714cc74"}
		r := b.run(a)
		wantState(t, r, "t", api.TaskStatePending, false, 0)
		evicted := stopped(victim)
		evicted.DesiredStatus = api.AllocDesiredEvict
		victim.Update(evicted)
		synctest.Wait()
		wantState(t, victim, "t", api.TaskStateDead, false, 0)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
	})
}

func TestDispatchPayload(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		main := tk("t", "run_for=1s", "exit_code=1")
		main.DispatchPayload = &api.DispatchPayload{File: "in/payload.json"}
		j := job(api.JobTypeBatch, main)
		j.Payload, j.Dispatched = []byte("{}"), true
		r := b.run(allocation(j))
		path := filepath.Join(r.Dir().Path(), "t", "local", "in", "payload.json")
		if data, err := os.ReadFile(path); err != nil || string(data) != "{}" {
			t.Fatalf("payload = %q, %v", data, err)
		}
		// It is written once, not again on a restart.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		if _, err := os.Stat(path); err == nil {
			t.Error("the payload was written again")
		}
	})
}

func TestHostVolumes(t *testing.T) {
	source := t.TempDir()
	for name, tc := range map[string]struct {
		request *api.VolumeRequest
		mounts  drivers.MountConfigs
		err     string
	}{
		"mounted":      {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data"}, drivers.MountConfigsAny, ""},
		"per alloc":    {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data", PerAlloc: true}, drivers.MountConfigsAny, `this node has no host volume "data[0]"`},
		"unknown":      {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "nope"}, drivers.MountConfigsAny, `this node has no host volume "nope"`},
		"cannot mount": {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data"}, drivers.MountConfigsNone, `does not support host volumes`},
		"gone":         {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "gone"}, drivers.MountConfigsAny, `host volume "gone" of this node cannot be used`},
		"csi":          {&api.VolumeRequest{Type: api.VolumeTypeCSI, Source: "data"}, drivers.MountConfigsAny, `volumes of type "csi" are not supported`},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				b.deps.Tasks.Node().HostVolumes = map[string]*api.NodeHostVolume{
					"data": {Name: "data", Path: source, ReadOnly: true}, "gone": {Name: "gone", Path: filepath.Join(source, "gone")},
				}
				b.machine.SetCapabilities(drivers.Capabilities{MountConfigs: tc.mounts})
				main := tk("t")
				main.VolumeMounts = []*api.VolumeMount{{Volume: "v", Destination: "/data"}}
				j := job(api.JobTypeService, main)
				j.TaskGroups[0].Volumes = map[string]*api.VolumeRequest{"v": tc.request}
				r := b.run(allocation(j))
				if tc.err != "" {
					if got := events(r, "t"); !strings.Contains(got, "Task hook failed: volumes: ") || !strings.Contains(got, tc.err) {
						t.Errorf("events\n%s\nlack %q", got, tc.err)
					}
					return
				}
				m := b.machine.Config("t").Mounts
				if len(m) != 1 || m[0].HostPath != source || m[0].TaskPath != "/data" || !m[0].Readonly || m[0].RequestName != "v" {
					t.Errorf("mounts = %+v", m)
				}
			})
		})
	}
}

func TestUsage(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t"))))
		u := r.Task("t").Usage(t.Context())
		if u == nil || u.Usage.Memory.RSS != 1<<20 {
			t.Fatalf("usage = %+v", u)
		}
		pass(5 * time.Second)
		if u := r.Task("t").Usage(t.Context()); u.Usage.Memory.RSS < 5<<20 {
			t.Errorf("usage is not measured again: %+v", u)
		}
		pass(10 * time.Minute) // nobody asks, nobody measures
		if u := r.Task("t").Usage(t.Context()); u == nil || u.Usage.Memory.RSS != 1<<20 {
			t.Errorf("usage after a while = %+v", u)
		}
		r.Update(stopped(r))
		pass(time.Second)
		if u := r.Task("t").Usage(t.Context()); u != nil {
			t.Errorf("an ended task uses %+v", u)
		}
	})
}

func TestDriverEvents(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t"))))
		r.DriverEvent(&drivers.TaskEvent{TaskName: "t", AllocID: testID, Message: "Downloading image", Annotations: map[string]string{"image": "x"}})
		r.DriverEvent(&drivers.TaskEvent{TaskName: "unknown", Message: "ignored"})
		synctest.Wait()
		last := r.Report().TaskStates["t"].Events[3]
		if last.Type != "Driver" || last.DisplayMessage != "Downloading image" || last.Details["image"] != "x" {
			t.Errorf("event = %+v", last)
		}
	})
}
