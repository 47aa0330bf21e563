// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// Types of differences.
const (
	DiffNone    = "None"
	DiffAdded   = "Added"
	DiffDeleted = "Deleted"
	DiffEdited  = "Edited"
)

// diffRule says how the differences of a struct are shown; what it does not name follows the type.
type diffRule struct {
	// hide lists fields that are compared but not shown.
	hide []string
	// hideZero lists fields that are shown only when set.
	hideZero []string
	// order lists the block fields that come first, in this order.
	order []string
	// names gives the blocks of a field another name than the field's.
	names map[string]string
	// key is the field by which elements of a list are matched; without it a changed element is one
	// deleted and one added.
	key string
	// noContext leaves out unchanged fields of a changed block.
	noContext bool
}

// diffRules holds what the recorded answers show that the types do not say.
var diffRules = map[reflect.Type]diffRule{
	reflect.TypeFor[Job](): {
		hide: []string{
			"ID", "TaskGroups", "Update", "Reschedule", "Migrate", "Status", "StatusDescription", "Stable", "Version", "SubmitTime",
			"CreateIndex", "ModifyIndex", "JobModifyIndex", "VersionTag", "NomadTokenID", "DispatchIdempotencyToken", "Payload",
		},
		order: []string{"Datacenters", "Constraints", "Affinities", "Spreads"},
		names: map[string]string{"Constraints": "Constraint", "Affinities": "Affinity", "Spreads": "Spread"},
	},
	reflect.TypeFor[TaskGroup](): {
		hide: []string{"Name", "Tasks"},
		order: []string{
			"Constraints", "Affinities", "Spreads", "RestartPolicy", "Migrate", "ReschedulePolicy", "EphemeralDisk", "Disconnect",
			"Consul", "Update", "Networks", "Volumes", "Scaling", "Services",
		},
		names: map[string]string{
			"Constraints": "Constraint", "Affinities": "Affinity", "Spreads": "Spread", "Networks": "Network",
			"Volumes": "Volume", "Services": "Service",
		},
	},
	reflect.TypeFor[Task](): {
		hide: []string{"Name"},
		order: []string{
			"Constraints", "Affinities", "RestartPolicy", "Config", "Resources", "Lifecycle", "DispatchPayload", "LogConfig", "Artifacts",
			"VolumeMounts", "Services", "Vault", "Consul", "Templates", "Secrets", "CSIPluginConfig", "ScalingPolicies", "Identity",
			"Identities", "Actions", "Schedule",
		},
		names: map[string]string{
			"Constraints": "Constraint", "Affinities": "Affinity", "Artifacts": "Artifact", "VolumeMounts": "VolumeMount",
			"Services": "Service", "Templates": "Template", "Secrets": "Secret", "ScalingPolicies": "Scaling",
			"Identities": "Identity", "Actions": "Action",
		},
	},
	reflect.TypeFor[UpdateStrategy]():   {hide: []string{"Stagger"}},
	reflect.TypeFor[ScalingPolicy]():    {hide: []string{"ID", "Type", "Target", "CreateIndex", "ModifyIndex"}, noContext: true},
	reflect.TypeFor[VolumeRequest]():    {key: "Name"},
	reflect.TypeFor[Template]():         {key: "DestPath"},
	reflect.TypeFor[VolumeMount]():      {key: "Destination"},
	reflect.TypeFor[ServiceCheck]():     {key: "Name"},
	reflect.TypeFor[Action]():           {key: "Name"},
	reflect.TypeFor[Secret]():           {key: "Name"},
	reflect.TypeFor[WorkloadIdentity](): {key: "Name"},
	reflect.TypeFor[RequestedDevice](): {
		key: "Name", names: map[string]string{"Constraints": "Constraint", "Affinities": "Affinity"},
	},
	reflect.TypeFor[Service](): {
		key: "Name", order: []string{"Tags", "CanaryTags", "Checks"}, names: map[string]string{"Checks": "Check"},
	},
	reflect.TypeFor[Resources](): {names: map[string]string{"Networks": "Network", "Devices": "Device"}},
	reflect.TypeFor[NetworkResource](): {
		hide:  []string{"Device", "CIDR", "IP", "MBits"},
		order: []string{"ReservedPorts", "DynamicPorts"},
		names: map[string]string{"ReservedPorts": "Static Port", "DynamicPorts": "Dynamic Port"},
	},
	reflect.TypeFor[Port](): {key: "Label", hideZero: []string{"Value", "IgnoreCollision"}},
}

// differ builds the differences of blocks. Contextual adds the unchanged fields of changed blocks.
type differ struct{ contextual bool }

// pair is a block before and after; an invalid value is a block that is not there.
type pair struct{ old, new reflect.Value }

// kind returns the type of a difference between two blocks that are not equal.
func (p pair) kind() string {
	switch {
	case !p.old.IsValid():
		return DiffAdded
	case !p.new.IsValid():
		return DiffDeleted
	}
	return DiffEdited
}

func (p pair) structType() reflect.Type {
	if p.old.IsValid() {
		return p.old.Type()
	}
	return p.new.Type()
}

// field returns one field of both sides.
func (p pair) field(f *typeinfo.Field) pair {
	var of pair
	if p.old.IsValid() {
		of.old = p.old.FieldByIndex(f.Index)
	}
	if p.new.IsValid() {
		of.new = p.new.FieldByIndex(f.Index)
	}
	return of
}

// deref follows pointers; a nil becomes the invalid value.
func deref(v reflect.Value) reflect.Value {
	for v.IsValid() && v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return reflect.Value{}
		}
		v = v.Elem()
	}
	return v
}

// equal reports whether both sides are the same, hidden fields included.
func (p pair) equal() bool {
	if !p.old.IsValid() || !p.new.IsValid() {
		return p.old.IsValid() == p.new.IsValid()
	}
	return typeinfo.EqualValues(p.old, p.new)
}

// fields returns the differences of the primitives of a struct and of its maps of text, by name.
func (d differ) fields(p pair, context bool) []*FieldDiff {
	rule := diffRules[p.structType()]
	before, after := map[string]string{}, map[string]string{}
	for i := range typeinfo.Of(p.structType()).Fields {
		f := &typeinfo.Of(p.structType()).Fields[i]
		if f.RequestOnly() || slices.Contains(rule.hide, f.Name) {
			continue
		}
		hideZero := slices.Contains(rule.hideZero, f.Name)
		of := p.field(f)
		addTexts(before, f, of.old, hideZero)
		addTexts(after, f, of.new, hideZero)
	}
	return diffTexts(before, after, context)
}

// addTexts adds the texts of one field that has any.
func addTexts(texts map[string]string, f *typeinfo.Field, v reflect.Value, hideZero bool) {
	if !v.IsValid() || hideZero && v.IsZero() {
		return
	}
	switch f.Kind() {
	case typeinfo.Primitive:
		if text, ok := typeinfo.Text(v); ok {
			texts[f.Name] = text
		}
	case typeinfo.TextMap:
		for it := v.MapRange(); it.Next(); {
			texts[f.Name+"["+it.Key().String()+"]"] = it.Value().String()
		}
	default: // blocks have objects of their own
	}
}

func diffTexts(before, after map[string]string, context bool) []*FieldDiff {
	var diffs []*FieldDiff
	for _, name := range typeinfo.SortedKeys(before, after) {
		diff := &FieldDiff{Type: textDiffType(before[name], after[name]), Name: name, Old: before[name], New: after[name]}
		if context || diff.Type != DiffNone {
			diffs = append(diffs, diff)
		}
	}
	return diffs
}

// textDiffType compares two texts; nothing and the empty text are the same.
func textDiffType(before, after string) string {
	switch {
	case before == after:
		return DiffNone
	case before == "":
		return DiffAdded
	case after == "":
		return DiffDeleted
	}
	return DiffEdited
}

// objects returns the differences of the blocks below a struct.
func (d differ) objects(p pair) []*ObjectDiff {
	t := p.structType()
	rule := diffRules[t]
	fields := typeinfo.Of(t).Fields
	position := func(f *typeinfo.Field) int {
		if i := slices.Index(rule.order, f.Name); i >= 0 {
			return i
		}
		return len(rule.order)
	}
	order := make([]*typeinfo.Field, 0, len(fields))
	for i := range fields {
		if f := &fields[i]; !f.RequestOnly() && !slices.Contains(rule.hide, f.Name) {
			order = append(order, f)
		}
	}
	slices.SortStableFunc(order, func(a, b *typeinfo.Field) int { return cmp.Compare(position(a), position(b)) })

	var diffs []*ObjectDiff
	for _, f := range order {
		name := f.Name
		if other, found := rule.names[f.Name]; found {
			name = other
		}
		diffs = append(diffs, d.field(name, f, p.field(f))...)
	}
	return diffs
}

// field returns the differences of one field that holds blocks.
func (d differ) field(name string, f *typeinfo.Field, p pair) []*ObjectDiff {
	switch f.Kind() {
	case typeinfo.Block:
		return d.block(name, pair{deref(p.old), deref(p.new)})
	case typeinfo.Blocks:
		return d.blocks(name, listOf(p.old), listOf(p.new))
	case typeinfo.BlockMap:
		return d.blocks(name, mapValues(p.old), mapValues(p.new))
	case typeinfo.Texts:
		return d.texts(name, p)
	case typeinfo.Free:
		return d.free(name, p)
	default: // texts are fields of their block
		return nil
	}
}

// block returns the difference of one block, none when it did not change.
func (d differ) block(name string, p pair) []*ObjectDiff {
	if p.equal() {
		return nil
	}
	context := d.contextual && !diffRules[p.structType()].noContext
	return []*ObjectDiff{{Type: p.kind(), Name: name, Fields: d.fields(p, context), Objects: d.objects(p)}}
}

// texts returns the difference of a list of texts as a set, each element under the name of the list.
func (d differ) texts(name string, p pair) []*ObjectDiff {
	before, after := map[string]string{}, map[string]string{}
	for _, side := range []struct {
		list reflect.Value
		set  map[string]string
	}{{p.old, before}, {p.new, after}} {
		if side.list.IsValid() {
			for i := range side.list.Len() {
				side.set[side.list.Index(i).String()] = side.list.Index(i).String()
			}
		}
	}
	fields := diffTexts(before, after, d.contextual)
	for _, f := range fields {
		f.Name = name
	}
	return objectOf(name, fields, len(before), len(after))
}

// free returns the difference of a dynamically typed part, its primitives by path.
func (d differ) free(name string, p pair) []*ObjectDiff {
	before, after := typeinfo.Flatten(p.old), typeinfo.Flatten(p.new)
	return objectOf(name, diffTexts(before, after, d.contextual), len(before), len(after))
}

// objectOf wraps fields of which at least one changed.
func objectOf(name string, fields []*FieldDiff, before, after int) []*ObjectDiff {
	changed := func(f *FieldDiff) bool { return f.Type != DiffNone }
	if !slices.ContainsFunc(fields, changed) {
		return nil
	}
	diff := &ObjectDiff{Type: DiffEdited, Name: name, Fields: fields}
	switch {
	case before == 0:
		diff.Type = DiffAdded
	case after == 0:
		diff.Type = DiffDeleted
	}
	return []*ObjectDiff{diff}
}

func listOf(v reflect.Value) []reflect.Value {
	var list []reflect.Value
	if v.IsValid() {
		for i := range v.Len() {
			list = append(list, deref(v.Index(i)))
		}
	}
	return list
}

func mapValues(v reflect.Value) []reflect.Value {
	var list []reflect.Value
	if v.IsValid() {
		for it := v.MapRange(); it.Next(); {
			list = append(list, deref(it.Value()))
		}
	}
	return list
}

// blocks returns the differences of a list of blocks: elements with a key are matched by it, others are
// the same or not.
func (d differ) blocks(name string, before, after []reflect.Value) []*ObjectDiff {
	type entry struct {
		pair
		sort string
	}
	entries := map[string]*entry{}
	for _, side := range []struct {
		list []reflect.Value
		set  func(*entry, reflect.Value)
	}{
		{before, func(e *entry, v reflect.Value) { e.old = v }},
		{after, func(e *entry, v reflect.Value) { e.new = v }},
	} {
		for _, v := range side.list {
			key := elementKey(v)
			e := entries[key]
			if e == nil {
				e = &entry{sort: key}
				entries[key] = e
			}
			side.set(e, v)
		}
	}
	var diffs []*ObjectDiff
	for _, key := range typeinfo.SortedKeys(entries) {
		diffs = append(diffs, d.block(name, entries[key].pair)...)
	}
	return diffs
}

// elementKey returns what an element of a list is matched and sorted by: its key field, or all its texts,
// the last field first.
func elementKey(v reflect.Value) string {
	if key := diffRules[v.Type()].key; key != "" {
		return v.FieldByName(key).String()
	}
	texts := typeinfo.Flatten(v)
	names := typeinfo.SortedKeys(texts)
	var b strings.Builder
	for _, name := range slices.Backward(names) {
		b.WriteString(texts[name] + "\x00")
	}
	return b.String()
}
