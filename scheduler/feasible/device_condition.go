// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// deviceCondition is a constraint of a device block, or the rule of an affinity of one, compiled. It looks
// at a device group, and compares numbers with regard to their units.
type deviceCondition struct {
	left, right deviceTarget
	operator    string
	text        string
	// textual compares the values as text, for operators that know no numbers.
	textual func(left, right string, found presence) bool
}

// deviceTarget is one side of a device condition.
type deviceTarget struct {
	kind deviceTargetKind
	key  string
	// value is that of a literal.
	value quantity
}

type deviceTargetKind uint8

const (
	deviceLiteral deviceTargetKind = iota
	deviceModel
	deviceVendor
	deviceType
	deviceIDs
	deviceAttribute
	deviceUnknown
)

func newDeviceTarget(text string) deviceTarget {
	inner, ok := strings.CutPrefix(text, "${")
	if !ok {
		return deviceTarget{value: literalQuantity(text)}
	}
	inner = strings.TrimSuffix(inner, "}")
	switch inner {
	case "device.model":
		return deviceTarget{kind: deviceModel}
	case "device.vendor":
		return deviceTarget{kind: deviceVendor}
	case "device.type":
		return deviceTarget{kind: deviceType}
	case "device.ids":
		return deviceTarget{kind: deviceIDs}
	}
	if key, ok := strings.CutPrefix(inner, "device.attr."); ok {
		return deviceTarget{kind: deviceAttribute, key: key}
	}
	return deviceTarget{kind: deviceUnknown}
}

func (t *deviceTarget) of(g *api.NodeDeviceResource) (quantity, bool) {
	switch t.kind {
	case deviceLiteral:
		return t.value, true
	case deviceModel:
		return quantity{text: g.Name}, true
	case deviceVendor:
		return quantity{text: g.Vendor}, true
	case deviceType:
		return quantity{text: g.Type}, true
	case deviceIDs:
		var ids []string
		for _, d := range g.Instances {
			if d != nil && d.Healthy {
				ids = append(ids, d.ID)
			}
		}
		return quantity{text: strings.Join(ids, ",")}, true
	case deviceAttribute:
		return attributeQuantity(g.Attributes[t.key])
	case deviceUnknown:
	}
	return quantity{}, false
}

func newDeviceCondition(left, operator, right string, cache *Cache) deviceCondition {
	c := deviceCondition{
		left: newDeviceTarget(left), right: newDeviceTarget(right), operator: operator,
		text: left + " " + operator + " " + right,
	}
	// The right side of a text comparison is compiled once when it is literal.
	sides := Condition{left: Target{kind: unknownTarget}, right: NewTarget(right)}
	c.textual = sides.comparison(operator, cache)
	return c
}

// onIDs reports whether the condition is about single instances.
func (c *deviceCondition) onIDs() bool { return c.left.kind == deviceIDs }

func (c *deviceCondition) holdsFor(g *api.NodeDeviceResource) bool {
	left, leftFound := c.left.of(g)
	right, rightFound := c.right.of(g)
	found := presence{leftFound, rightFound}
	if c.onIDs() {
		return slices.ContainsFunc(g.Instances, func(d *api.NodeDevice) bool { return d != nil && d.Healthy && c.holdsForInstance(d.ID) })
	}
	switch c.operator {
	case "", "=", "==", "is":
		order, ok := left.compare(right)
		return found.both() && ok && order == 0
	case "!=", "not":
		order, ok := left.compare(right)
		return !found.both() || !ok || order != 0
	case "<", "<=", ">", ">=":
		order, ok := left.compare(right)
		return found.both() && ok && satisfies(c.operator, order)
	}
	return c.textual(left.text, right.text, found)
}

// holdsForInstance applies a condition on ${device.ids} to one instance: a set names the instances that may
// be taken.
func (c *deviceCondition) holdsForInstance(id string) bool {
	if c.right.kind != deviceLiteral && c.operator != api.OpIsSet && c.operator != api.OpIsNotSet {
		return false
	}
	switch c.operator {
	case api.OpSetContains, api.OpSetContainsAll, api.OpSetContainsAny:
		return slices.Contains(splitSet(c.right.value.text), id)
	}
	return c.textual(id, c.right.value.text, presence{true, true})
}

func satisfies(operator string, order int) bool {
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
