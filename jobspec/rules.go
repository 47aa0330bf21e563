// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"reflect"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// This file holds what struct tags cannot say, keyed by type: shorthand attributes, labels without a field,
// and defaults that belong to the file format and not to the job.

// labelKey names a block by the struct that holds it.
type labelKey struct {
	parent reflect.Type
	block  string
}

// extraLabels are block labels that the struct of the block has no label field for; setLabel stores them.
var extraLabels = map[labelKey]string{
	{reflect.TypeFor[api.Task](), "scaling"}: "name",
}

// taskScalingTypes are the labels of a scaling block inside a task.
var taskScalingTypes = map[string]string{"cpu": "vertical_cpu", "mem": "vertical_mem"}

// shorthandForm says what the value of a shorthand attribute becomes.
type shorthandForm int

const (
	toValue    shorthandForm = iota // the right side; the attribute name is the operator
	toProperty                      // the left side; the attribute name is the operator
	toFlag                          // "true" or "false" on the right side
	toNothing                       // accepted without effect
)

// shorthand is an attribute of constraint or affinity that sets operator and operand at once.
type shorthand struct {
	name string
	form shorthandForm
}

type shorthandSet []shorthand

func (s shorthandSet) names() []string {
	var names []string
	for _, sh := range s {
		names = append(names, sh.name)
	}
	return names
}

// shorthands lists the shorthand attributes in the order in which they apply.
//
// Compat: the set and presence operators are accepted as keys of a constraint without effect, as in
// the reference; they work as operator = "...".
var shorthands = map[reflect.Type]shorthandSet{
	reflect.TypeFor[api.Constraint](): {
		{"version", toValue},
		{"semver", toValue},
		{"regexp", toValue},
		{"set_contains", toValue},
		{"distinct_property", toProperty},
		{"distinct_hosts", toFlag},
		{"set_contains_all", toNothing},
		{"set_contains_any", toNothing},
		{"is_set", toNothing},
		{"is_not_set", toNothing},
	},
	reflect.TypeFor[api.Affinity](): {
		{"version", toValue},
		{"semver", toValue},
		{"regexp", toValue},
		{"set_contains", toValue},
		{"set_contains_all", toValue},
		{"set_contains_any", toValue},
	},
}

// operands returns the three texts of a placement rule.
func operands(target any) (left, operator, right *string) {
	switch t := target.(type) {
	case *api.Constraint:
		return &t.LTarget, &t.Operand, &t.RTarget
	case *api.Affinity:
		return &t.LTarget, &t.Operand, &t.RTarget
	}
	return nil, nil, nil
}

// finish applies the defaults and rearrangements of the file format to a block that was just decoded.
func finish(target any) {
	switch t := target.(type) {
	case *api.Constraint:
		setDefault(&t.Operand, "=")
	case *api.Affinity:
		setDefault(&t.Operand, "=")
	case *api.Template:
		setDefault(&t.ChangeMode, "restart")
		setDefault(&t.Perms, "0644")
		if t.Splay == nil {
			splay := 5 * time.Second
			t.Splay = &splay
		}
	case *api.Vault:
		setDefault(&t.ChangeMode, "restart")
		if t.Env == nil {
			env := true
			t.Env = &env
		}
	case *api.Periodic:
		setDefault(&t.SpecType, "cron")
	case *api.ScalingPolicy:
		setDefault(&t.Type, "horizontal")
	case *api.NetworkResource:
		splitPorts(t)
	case *api.Task:
		splitIdentities(t)
	}
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// splitPorts moves ports with a static number to the reserved ones. Legacy reserved_ports blocks count
// only where no port block is given.
func splitPorts(n *api.NetworkResource) {
	if len(n.DynamicPorts) == 0 {
		return
	}
	var reserved, dynamic []*api.Port
	for _, p := range n.DynamicPorts {
		if p.Value != 0 { // validation refuses negative ones
			reserved = append(reserved, p)
		} else {
			dynamic = append(dynamic, p)
		}
	}
	n.ReservedPorts, n.DynamicPorts = reserved, dynamic
}

// splitIdentities moves the default identity out of the list. A second one stays there for validation
// to refuse.
func splitIdentities(t *api.Task) {
	for i, id := range t.Identities {
		if id.Name == "" || id.Name == "default" {
			t.Identity = id
			t.Identities = append(t.Identities[:i:i], t.Identities[i+1:]...)
			break
		}
	}
	if len(t.Identities) == 0 {
		t.Identities = nil
	}
}
