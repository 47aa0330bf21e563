// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"

	"github.com/nomadlike/nomadlike/api"
)

func sampleAlloc() *api.Allocation {
	return &api.Allocation{
		ID: api.NewID(), Namespace: "default", EvalID: api.NewID(), Name: "web.web[12]", NodeID: api.NewID(), JobID: "web",
		TaskGroup: "web", DesiredStatus: "run", ClientStatus: "running", CreateIndex: 1000, ModifyIndex: 1200,
		TaskStates: map[string]*api.TaskState{"web": {State: "running", Events: []*api.TaskEvent{
			{Type: "Received", Time: 1790000000000000000}, {Type: "Started", Time: 1790000000000000001},
		}}},
	}
}

func BenchmarkMarshal(b *testing.B) {
	a := sampleAlloc()
	out, err := Marshal(a)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		if out, err = Append(out[:0], a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalLibrary(b *testing.B) {
	a := sampleAlloc()
	var out []byte
	e := codec.NewEncoderBytes(&out, handle)
	b.ReportAllocs()
	for b.Loop() {
		out = out[:0]
		e.ResetBytes(&out)
		if err := e.Encode(a); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(out)))
}

func BenchmarkUnmarshal(b *testing.B) {
	out, err := Marshal(sampleAlloc())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		var a api.Allocation
		if err := Unmarshal(out, &a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshalLibrary(b *testing.B) {
	out, err := Marshal(sampleAlloc())
	if err != nil {
		b.Fatal(err)
	}
	d := codec.NewDecoderBytes(nil, handle)
	b.ReportAllocs()
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		var a api.Allocation
		d.ResetBytes(out)
		if err := d.Decode(&a); err != nil {
			b.Fatal(err)
		}
	}
}
