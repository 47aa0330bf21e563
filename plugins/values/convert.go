// SPDX-License-Identifier: MPL-2.0

package values

import (
	"google.golang.org/protobuf/types/known/wrapperspb"

	sharedpb "github.com/nomadlike/nomadlike/plugins/shared/structs/proto"
)

// AttributesToProto converts for the wire.
func AttributesToProto(in map[string]*Attribute) map[string]*sharedpb.Attribute {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]*sharedpb.Attribute, len(in))
	for name, attribute := range in {
		if attribute != nil {
			out[name] = attribute.toProto()
		}
	}
	return out
}

// AttributesFromProto converts from the wire.
func AttributesFromProto(in map[string]*sharedpb.Attribute) map[string]*Attribute {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]*Attribute, len(in))
	for name, attribute := range in {
		out[name] = attributeFromProto(attribute)
	}
	return out
}

func (a *Attribute) toProto() *sharedpb.Attribute {
	out := &sharedpb.Attribute{Unit: a.Unit}
	switch {
	case a.Float != nil:
		out.Value = &sharedpb.Attribute_FloatVal{FloatVal: *a.Float}
	case a.Int != nil:
		out.Value = &sharedpb.Attribute_IntVal{IntVal: *a.Int}
	case a.String != nil:
		out.Value = &sharedpb.Attribute_StringVal{StringVal: *a.String}
	case a.Bool != nil:
		out.Value = &sharedpb.Attribute_BoolVal{BoolVal: *a.Bool}
	}
	return out
}

func attributeFromProto(in *sharedpb.Attribute) *Attribute {
	out := &Attribute{Unit: in.GetUnit()}
	switch value := in.GetValue().(type) {
	case *sharedpb.Attribute_FloatVal:
		out.Float = &value.FloatVal
	case *sharedpb.Attribute_IntVal:
		out.Int = &value.IntVal
	case *sharedpb.Attribute_StringVal:
		out.String = &value.StringVal
	case *sharedpb.Attribute_BoolVal:
		out.Bool = &value.BoolVal
	}
	return out
}

// StatsToProto converts a tree of statistics for the wire; nil stays nil.
func StatsToProto(in *Stats) *sharedpb.StatObject {
	if in == nil {
		return nil
	}
	out := &sharedpb.StatObject{
		Nested:     make(map[string]*sharedpb.StatObject, len(in.Nested)),
		Attributes: make(map[string]*sharedpb.StatValue, len(in.Attributes)),
	}
	for name, nested := range in.Nested {
		if nested != nil {
			out.Nested[name] = StatsToProto(nested)
		}
	}
	for name, stat := range in.Attributes {
		if stat != nil {
			out.Attributes[name] = StatToProto(stat)
		}
	}
	return out
}

// StatsFromProto converts a tree of statistics from the wire; nil stays nil.
func StatsFromProto(in *sharedpb.StatObject) *Stats {
	if in == nil {
		return nil
	}
	out := &Stats{
		Nested:     make(map[string]*Stats, len(in.GetNested())),
		Attributes: make(map[string]*Stat, len(in.GetAttributes())),
	}
	for name, nested := range in.GetNested() {
		out.Nested[name] = StatsFromProto(nested)
	}
	for name, stat := range in.GetAttributes() {
		out.Attributes[name] = StatFromProto(stat)
	}
	return out
}

// StatToProto converts for the wire; nil stays nil.
func StatToProto(in *Stat) *sharedpb.StatValue {
	if in == nil {
		return nil
	}
	out := &sharedpb.StatValue{Unit: in.Unit, Desc: in.Description}
	if in.FloatNumerator != nil {
		out.FloatNumeratorVal = wrapperspb.Double(*in.FloatNumerator)
	}
	if in.FloatDenominator != nil {
		out.FloatDenominatorVal = wrapperspb.Double(*in.FloatDenominator)
	}
	if in.IntNumerator != nil {
		out.IntNumeratorVal = wrapperspb.Int64(*in.IntNumerator)
	}
	if in.IntDenominator != nil {
		out.IntDenominatorVal = wrapperspb.Int64(*in.IntDenominator)
	}
	if in.String != nil {
		out.StringVal = wrapperspb.String(*in.String)
	}
	if in.Bool != nil {
		out.BoolVal = wrapperspb.Bool(*in.Bool)
	}
	return out
}

// StatFromProto converts from the wire; nil stays nil.
func StatFromProto(in *sharedpb.StatValue) *Stat {
	if in == nil {
		return nil
	}
	out := &Stat{Unit: in.GetUnit(), Description: in.GetDesc()}
	if v := in.GetFloatNumeratorVal(); v != nil {
		v.Value = Finite(v.Value)
		out.FloatNumerator = &v.Value
	}
	if v := in.GetFloatDenominatorVal(); v != nil {
		v.Value = Finite(v.Value)
		out.FloatDenominator = &v.Value
	}
	if v := in.GetIntNumeratorVal(); v != nil {
		out.IntNumerator = &v.Value
	}
	if v := in.GetIntDenominatorVal(); v != nil {
		out.IntDenominator = &v.Value
	}
	if v := in.GetStringVal(); v != nil {
		out.String = &v.Value
	}
	if v := in.GetBoolVal(); v != nil {
		out.Bool = &v.Value
	}
	return out
}
