// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// Target is one side of a constraint, the attribute of a spread or the property of a
// distinct_property: literal text, or "${…}" that is looked up on a node.
type Target struct {
	text string
	key  string
	kind targetKind
}

type targetKind uint8

const (
	literal targetKind = iota
	unknownTarget
	nodeID
	nodeName
	nodeDatacenter
	nodeClass
	nodePool
	attribute
	meta
)

// NewTarget reads the text of a target. Text that does not start with "${" is literal; a "${…}" that
// names nothing of a node is found on no node.
func NewTarget(text string) Target {
	inner, ok := strings.CutPrefix(text, "${")
	if !ok {
		return Target{text: text, kind: literal}
	}
	inner = strings.TrimSuffix(inner, "}")
	switch inner {
	case "node.unique.id":
		return Target{text: text, kind: nodeID}
	case "node.unique.name":
		return Target{text: text, kind: nodeName}
	case "node.datacenter":
		return Target{text: text, kind: nodeDatacenter}
	case "node.class":
		return Target{text: text, kind: nodeClass}
	case "node.pool":
		return Target{text: text, kind: nodePool}
	}
	if key, ok := strings.CutPrefix(inner, "attr."); ok {
		return Target{text: text, key: key, kind: attribute}
	}
	if key, ok := strings.CutPrefix(inner, "meta."); ok {
		return Target{text: text, key: key, kind: meta}
	}
	return Target{text: text, kind: unknownTarget}
}

// Value returns the value of the target on the node and whether there is one.
func (t *Target) Value(n *api.Node) (string, bool) {
	switch t.kind {
	case literal:
		return t.text, true
	case nodeID:
		return n.ID, true
	case nodeName:
		return n.Name, true
	case nodeDatacenter:
		return n.Datacenter, true
	case nodeClass:
		return n.NodeClass, true
	case nodePool:
		return n.NodePool, true
	case attribute:
		v, ok := n.Attributes[t.key]
		return v, ok
	case meta:
		v, ok := n.Meta[t.key]
		return v, ok
	case unknownTarget:
	}
	return "", false
}

// Names says what the target is: of a node, or text that is the same on every node; known is false for a "${…}"
// that names nothing of a node.
func (t *Target) Names() (ofNode, known bool) { return t.kind != literal, t.kind != unknownTarget }

// IsUnique reports whether the target may differ between nodes of one computed class.
func (t *Target) IsUnique() bool {
	switch t.kind {
	case nodeID, nodeName:
		return true
	case attribute, meta:
		return strings.HasPrefix(t.key, uniquePrefix)
	default:
		return false
	}
}
