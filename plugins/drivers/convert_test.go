// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// filler sets every field below a value to something that is not zero and
// differs from field to field, so that a conversion that forgets or swaps one
// cannot pass.
type filler struct{ next int64 }

func (f *filler) fill(v reflect.Value) {
	f.next++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(f.next, f.next).UTC()))
			return
		}
		for _, field := range v.Fields() {
			f.fill(field)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(fmt.Sprint("bytes", f.next)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key := reflect.New(v.Type().Key()).Elem()
		f.fill(key)
		element := reflect.New(v.Type().Elem()).Elem()
		f.fill(element)
		v.SetMapIndex(key, element)
	case reflect.String:
		v.SetString(fmt.Sprint("text", f.next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(f.next) + 0.5)
	case reflect.Interface: // errors are set by the tests
	default:
		if v.CanInt() {
			v.SetInt(f.next)
		} else {
			v.SetUint(uint64(f.next))
		}
	}
}

func filled[T any]() *T {
	out := new(T)
	(&filler{}).fill(reflect.ValueOf(out).Elem())
	return out
}

// through sends a message over the wire.
func through[M proto.Message](t *testing.T, in M) M {
	t.Helper()
	data, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := in.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out.(M)
}

func TestHandleCrossesTheWire(t *testing.T) {
	want := filled[TaskHandle]()
	want.State = TaskStateExited
	want.Config.NetworkIsolation.Mode = NetworkIsolationTask
	got := handleFromProto(through(t, handleToProto(want)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the handle has changed (-want +got):\n%s", diff)
	}
	if handleFromProto(handleToProto(nil)) != nil {
		t.Error("no handle became one")
	}
	got = handleFromProto(through(t, handleToProto(&TaskHandle{Config: &TaskConfig{}})))
	if got.Config.Resources != nil || got.Config.NetworkIsolation != nil || got.Config.DNS != nil {
		t.Errorf("absent parts became present: %+v", got.Config)
	}
}

func TestHandleIsStored(t *testing.T) {
	want := filled[TaskHandle]()
	data, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	got := &TaskHandle{}
	if err := got.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the stored handle has changed (-want +got):\n%s", diff)
	}
	old, err := json.Marshal((*plainHandle)(want))
	if err != nil {
		t.Fatal(err)
	}
	got = &TaskHandle{}
	if err := got.UnmarshalBinary(old); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the handle of an older agent has changed (-want +got):\n%s", diff)
	}
	for _, broken := range []string{"", "{", "{}", `{"Version":"x"}`, string(data[:len(data)-1]), "\x80"} {
		if err := got.UnmarshalBinary([]byte(broken)); err == nil {
			t.Errorf("the handle %q was accepted", broken)
		}
	}
}

// TestCopyIsDeep changes everything in a copy, and looks at the original.
func TestCopyIsDeep(t *testing.T) {
	original := filled[TaskHandle]()
	dup := original.Copy()
	if diff := cmp.Diff(original, dup); diff != "" {
		t.Fatalf("the copy differs:\n%s", diff)
	}
	spoil(reflect.ValueOf(dup).Elem())
	if diff := cmp.Diff(filled[TaskHandle](), original); diff != "" {
		t.Errorf("changing the copy changed the original:\n%s", diff)
	}
}

// spoil changes all that a value refers to.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		spoil(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			spoil(field)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		v.Clear()
	default:
		v.SetZero()
	}
}

func TestStatsCrossTheWire(t *testing.T) {
	want := filled[TaskStats]()
	want.Usage.CPU.Measured = []string{
		CPUSystemMode, CPUUserMode, CPUTotalTicks, CPUThrottledPeriods, CPUThrottledTime, CPUPercent,
	}
	want.Usage.Memory.Measured = []string{
		MemoryRSS, MemoryCache, MemorySwap, MemoryInUse, MemoryMaxUsage, MemoryKernelUsage, MemoryKernelMaxUsage,
	}
	for _, usage := range want.Pids {
		usage.CPU.Measured, usage.Memory.Measured = []string{CPUPercent}, []string{MemoryRSS}
	}
	got := statsFromProto(through(t, statsToProto("id", want)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the statistics have changed (-want +got):\n%s", diff)
	}
}

func TestOthersCrossTheWire(t *testing.T) {
	status := filled[TaskStatus]()
	status.State, status.Exit.Err = TaskStateRunning, nil
	if diff := cmp.Diff(status, statusFromProto(through(t, statusToProto(status)))); diff != "" {
		t.Errorf("the status has changed (-want +got):\n%s", diff)
	}
	event := filled[TaskEvent]()
	if diff := cmp.Diff(event, eventFromProto(through(t, eventToProto(event)))); diff != "" {
		t.Errorf("the event has changed (-want +got):\n%s", diff)
	}
	capabilities := filled[Capabilities]()
	capabilities.FSIsolation = FSIsolationUnveil
	capabilities.MountConfigs = MountConfigsNone
	capabilities.NetworkIsolationModes = []NetworkIsolationMode{
		NetworkIsolationNone, NetworkIsolationGroup, NetworkIsolationHost, NetworkIsolationTask,
	}
	if diff := cmp.Diff(capabilities, capabilitiesFromProto(through(t, capabilitiesToProto(capabilities)))); diff != "" {
		t.Errorf("the capabilities have changed (-want +got):\n%s", diff)
	}
	fingerprint := &Fingerprint{
		Attributes: map[string]*values.Attribute{
			"a": values.Text("x"), "b": values.Flag(true), "c": values.Int(3, "MiB"), "d": values.Float(1.5, ""),
		},
		Health: HealthUnhealthy, HealthDescription: "sick",
	}
	if diff := cmp.Diff(fingerprint, fingerprintFromProto(through(t, fingerprintToProto(fingerprint)))); diff != "" {
		t.Errorf("the fingerprint has changed (-want +got):\n%s", diff)
	}
	failed := fingerprintFromProto(through(t, fingerprintToProto(&Fingerprint{Err: errors.New("broken")})))
	if failed.Err == nil || failed.Err.Error() != "broken" {
		t.Errorf("the failure is %v", failed.Err)
	}
	override := filled[NetworkOverride]()
	if diff := cmp.Diff(override, overrideFromProto(through(t, overrideToProto(override)))); diff != "" {
		t.Errorf("the override has changed (-want +got):\n%s", diff)
	}
}

// TestUnknownEnumerations reads what a newer peer could send.
func TestUnknownEnumerations(t *testing.T) {
	got := capabilitiesFromProto(&driverspb.DriverCapabilities{
		FsIsolation:           99,
		NetworkIsolationModes: []driverspb.NetworkIsolationSpec_NetworkIsolationMode{99},
		MountConfigs:          99,
	})
	if got.FSIsolation != FSIsolationNone || got.NetworkIsolationModes[0] != NetworkIsolationHost ||
		got.MountConfigs != MountConfigsAny {
		t.Errorf("unknown values became %+v", got)
	}
	if state := handleFromProto(&driverspb.TaskHandle{State: 99}).State; state != TaskStateUnknown {
		t.Errorf("an unknown state became %q", state)
	}
}

// TestAbsentMessages converts messages in which everything is missing, which
// plugins in the field do send.
func TestAbsentMessages(t *testing.T) {
	if status := statusFromProto(&driverspb.InspectTaskResponse{}); !status.StartedAt.IsZero() || status.Exit == nil {
		t.Errorf("an empty status became %+v", status)
	}
	if stats := statsFromProto(nil); !stats.Timestamp.IsZero() {
		t.Errorf("empty statistics became %+v", stats)
	}
	if exit := exitFromProto(nil); *exit != (ExitResult{}) {
		t.Errorf("an empty exit became %+v", exit)
	}
	if capabilities := capabilitiesFromProto(nil); capabilities.MustCreateNetwork {
		t.Errorf("empty capabilities became %+v", capabilities)
	}
}

// TestUnboundedMessages converts what agents and servers could neither store nor tell.
func TestUnboundedMessages(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	far := &timestamppb.Timestamp{Seconds: math.MaxInt64, Nanos: -1}
	f := fingerprintFromProto(&driverspb.FingerprintResponse{HealthDescription: long, Err: long + "the reason"})
	if len(f.HealthDescription) > 10_000 || len(f.Err.Error()) > 10_000 || !strings.HasSuffix(f.Err.Error(), "the reason") || !utf8.ValidString(f.Err.Error()) {
		t.Errorf("a description became %d bytes, an error %d bytes", len(f.HealthDescription), len(f.Err.Error()))
	}
	event := &driverspb.DriverTaskEvent{Message: long, Timestamp: far, Annotations: map[string]string{long: long}}
	for i := range 1000 {
		event.Annotations[strconv.Itoa(i)] = "x"
	}
	e := eventFromProto(event)
	if text := fmt.Sprint(e.Message, e.Annotations); len(text) > 100_000 || len(e.Annotations) > 100 || !e.Timestamp.IsZero() {
		t.Errorf("an event became %d bytes, %d annotations, %v", len(text), len(e.Annotations), e.Timestamp)
	}
	stats := statsFromProto(&driverspb.TaskStats{Timestamp: far, AggResourceUsage: &driverspb.TaskResourceUsage{Cpu: &driverspb.CPUUsage{
		SystemMode: math.NaN(), UserMode: math.Inf(1), TotalTicks: math.Inf(-1), Percent: math.NaN(),
	}}})
	if _, err := json.Marshal(stats); err != nil {
		t.Errorf("the statistics cannot be told: %v", err)
	}
}

// TestRequiredMessages checks what other hosts dereference without looking.
func TestRequiredMessages(t *testing.T) {
	status := statusToProto(&TaskStatus{})
	if status.Task.Result == nil || status.Task.CompletedAt.GetSeconds() != -62135596800 {
		t.Errorf("a status without result or times became %v", status)
	}
	stats := statsToProto("id", &TaskStats{})
	if stats.Timestamp == nil || stats.AggResourceUsage.GetCpu() == nil || stats.AggResourceUsage.GetMemory() == nil {
		t.Errorf("empty statistics became %v", stats)
	}
	if exitToProto(nil) == nil {
		t.Error("no exit became nothing")
	}
}
