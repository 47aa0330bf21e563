// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// deviceGroup reads "vendor/type/name:id,id!:attribute=value:…"; a value may end in "_" and a unit.
func (s *script) deviceGroup(text string) *api.NodeDeviceResource {
	parts := strings.Split(text, ":")
	names := strings.Split(parts[0], "/")
	d := &api.NodeDeviceResource{Vendor: names[0], Type: names[1], Name: names[2], Attributes: map[string]*api.DeviceAttribute{}}
	for id := range strings.SplitSeq(parts[1], ",") {
		id, sick := strings.CutSuffix(id, "!")
		d.Instances = append(d.Instances, &api.NodeDevice{ID: id, Healthy: !sick})
	}
	for _, attribute := range parts[2:] {
		key, value, _ := strings.Cut(attribute, "=")
		number, unit, _ := strings.Cut(value, "_")
		a := &api.DeviceAttribute{Unit: unit}
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			a.Int = &n
		} else if f, err := strconv.ParseFloat(number, 64); err == nil {
			a.Float = &f
		} else if b, err := strconv.ParseBool(number); err == nil {
			a.Bool = &b
		} else {
			a.String = &value
		}
		d.Attributes[key] = a
	}
	return d
}
