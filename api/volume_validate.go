// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Access modes of volumes, by type.
var (
	hostAccessModes = []string{"single-node-reader-only", "single-node-writer", "single-node-single-writer", "single-node-multi-writer"}
	csiAccessModes  = []string{"single-node-reader-only", "single-node-writer", "multi-node-reader-only", "multi-node-single-writer", "multi-node-multi-writer"}
	attachmentModes = []string{"file-system", "block-device"}
)

func (g *TaskGroup) validateVolumes(c *checker, job *Job) {
	for _, name := range slices.Sorted(maps.Keys(g.Volumes)) {
		c.within(c.at.block("volume", name), fmt.Sprintf("Task group volume validation for %s failed", name), func(c *checker) {
			g.Volumes[name].validate(c, job, g)
		})
	}
}

func (v *VolumeRequest) validate(c *checker, job *Job, g *TaskGroup) {
	// Compat: the reference drops volumes of other types without a word.
	if !c.oneOf("type", v.Type, VolumeTypeHost, VolumeTypeCSI) {
		return
	}
	c.check(v.Source != "", "source", "volume has an empty source")
	if v.PerAlloc {
		c.check(job.Type != JobTypeSystem && job.Type != JobTypeSysBatch, "per_alloc", "volume cannot be per_alloc for system or sysbatch jobs")
		c.check(g.Update.CanaryOrDefault() == 0, "per_alloc", "volume cannot be per_alloc when canaries are in use")
		c.check(!v.Sticky, "per_alloc", "volume cannot be per_alloc and sticky")
	}
	if v.Type == VolumeTypeHost {
		v.validateHost(c)
	} else {
		v.validateCSI(c, g)
	}
	if strings.HasSuffix(v.AccessMode, "reader-only") {
		c.check(v.ReadOnly, "read_only", "volume with access mode %q must be read_only", v.AccessMode)
	}
}

func (v *VolumeRequest) validateHost(c *checker) {
	if v.AccessMode != "" {
		c.oneOf("access_mode", v.AccessMode, hostAccessModes...)
	}
	if v.AttachmentMode != "" {
		c.oneOf("attachment_mode", v.AttachmentMode, attachmentModes...)
	}
	c.check(v.MountOptions == nil, "mount_options", "host volumes cannot have mount options")
}

func (v *VolumeRequest) validateCSI(c *checker, g *TaskGroup) {
	known := c.oneOf("access_mode", v.AccessMode, csiAccessModes...)
	c.oneOf("attachment_mode", v.AttachmentMode, attachmentModes...)
	c.check(!v.Sticky, "sticky", "only host volumes can be sticky")
	if v.AttachmentMode == "block-device" {
		c.check(v.MountOptions == nil, "mount_options", "block devices cannot have mount options")
	}
	one := strings.HasPrefix(v.AccessMode, "single-node-") || v.AccessMode == "multi-node-single-writer" && !v.ReadOnly
	if known && one && !v.PerAlloc {
		c.check(g.CountOrDefault() <= 1, "access_mode", "volume with access mode %q can be used by one allocation only, the group has count %d; use per_alloc", v.AccessMode, g.CountOrDefault())
	}
}

func (m *VolumeMount) validate(c *checker, index int, g *TaskGroup) {
	c.within(c.at.item("volume_mount", index), fmt.Sprintf("Volume Mount (%d)", index), func(c *checker) {
		_, found := g.Volumes[m.Volume]
		c.check(found, "volume", "references undefined volume %q", m.Volume)
		c.check(m.Destination != "", "destination", "destination must not be empty")
		c.oneOf("propagation_mode", m.PropagationMode, "private", "host-to-task", "bidirectional")
		c.oneOf("selinux_label", m.SELinuxLabel, "", "z", "Z")
	})
}
