// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

// devices shows what the devices of the node do: one line each, with -stats all that they tell.
func (s *nodeStatus) devices(groups []*api.DeviceGroupStats) {
	var kv []string
	for _, g := range groups {
		for _, id := range sortedKeys(g.InstanceStats) {
			summary := ""
			if d, ok := g.InstanceStats[id].(map[string]any); ok {
				summary = statText(d["Summary"])
			}
			kv = append(kv, deviceName(g.Vendor, g.Type, g.Name, id), summary)
		}
	}
	if len(kv) == 0 {
		return
	}
	s.m.heading("Device Resource Utilization")
	fmt.Fprintln(s.m.out, pairs(kv...))
}

// deviceStats shows all that the devices tell.
func (s *nodeStatus) deviceStats(groups []*api.DeviceGroupStats) {
	first := true
	for _, g := range groups {
		for _, id := range sortedKeys(g.InstanceStats) {
			d, ok := g.InstanceStats[id].(map[string]any)
			if !ok {
				continue
			}
			if first {
				s.m.heading("Device Stats")
			} else {
				fmt.Fprintln(s.m.out)
			}
			first = false
			fmt.Fprintln(s.m.out, pairs(append([]string{"Device", deviceName(g.Vendor, g.Type, g.Name, id)}, statPairs("", d["Stats"])...)...))
		}
	}
}

func deviceName(vendor, kind, name, id string) string {
	return vendor + "/" + kind + "/" + name + "[" + id + "]"
}

// statPairs lists the statistics in an object and those below it, each with its path.
func statPairs(path string, v any) []string {
	o, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var kv []string
	if attributes, ok := o["Attributes"].(map[string]any); ok {
		for _, k := range sortedKeys(attributes) {
			kv = append(kv, path+k, statText(attributes[k]))
		}
	}
	if nested, ok := o["Nested"].(map[string]any); ok {
		for _, k := range sortedKeys(nested) {
			kv = append(kv, statPairs(path+k+".", nested[k])...)
		}
	}
	return kv
}

// statText shows one statistic, "13 / 100 MiB" for example.
func statText(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	number := func(field string) (string, bool) {
		switch n := o[field].(type) {
		case int64:
			return strconv.FormatInt(n, 10), true
		case float64:
			return strconv.FormatFloat(n, 'f', -1, 64), true
		}
		return "", false
	}
	for _, kind := range []string{"Int", "Float"} {
		text, ok := number(kind + "NumeratorVal")
		if !ok {
			continue
		}
		if of, ok := number(kind + "DenominatorVal"); ok {
			text += " / " + of
		}
		if unit, _ := o["Unit"].(string); unit != "" {
			text += " " + unit
		}
		return text
	}
	if text, ok := o["StringVal"].(string); ok {
		return text
	}
	if b, ok := o["BoolVal"].(bool); ok {
		return strconv.FormatBool(b)
	}
	return ""
}
