// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"maps"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// MaxDispatchPayload is the largest payload of a dispatch, in bytes.
const MaxDispatchPayload = 16 * 1024

// PeriodicLaunch is when the clock last launched a periodic job.
type PeriodicLaunch struct {
	Namespace, JobID string
	// Launch is in unix nanoseconds: the time of the schedule, or of the registration before the first launch.
	Launch      int64
	CreateIndex uint64
	ModifyIndex uint64
}

// PeriodicChildID returns the ID of the child that a periodic job launches at a time.
func PeriodicChildID(parent string, launch time.Time) string {
	return fmt.Sprintf("%s/periodic-%d", parent, launch.Unix())
}

// PeriodicChild returns the job that a periodic job launches at a time (scheduler.md 12).
func (j *Job) PeriodicChild(launch time.Time) *Job {
	c := j.child(PeriodicChildID(j.ID, launch))
	c.Periodic = nil
	return c
}

// DispatchedChild returns the job that a parameterised job launches with meta and payload added. random
// are the last characters of its ID.
func (j *Job) DispatchedChild(prefix string, now time.Time, random string, meta map[string]string, payload []byte) *Job {
	if prefix != "" {
		prefix += "-"
	}
	c := j.child(fmt.Sprintf("%s/dispatch-%s%d-%s", j.ID, prefix, now.Unix(), random))
	c.Dispatched, c.Payload = true, payload
	if len(meta) > 0 {
		c.Meta = maps.Clone(c.Meta)
		if c.Meta == nil {
			c.Meta = map[string]string{}
		}
		maps.Copy(c.Meta, meta)
	}
	return c
}

// child returns a copy of the job under another ID, without what belongs to the parent's own life. Scaling
// policies are the child's own.
func (j *Job) child(id string) *Job {
	c := typeinfo.Copy(j)
	c.ID, c.Name, c.ParentID = id, id, j.ID
	c.Stop, c.Stable, c.Status, c.StatusDescription, c.VersionTag = false, false, "", "", nil
	c.Version, c.SubmitTime, c.CreateIndex, c.ModifyIndex, c.JobModifyIndex = 0, 0, 0, 0, 0
	for _, g := range c.TaskGroups {
		if g.Scaling != nil {
			g.Scaling.ID = NewID()
			g.Scaling.Target = map[string]string{"Namespace": c.Namespace, "Job": id, "Group": g.Name}
		}
	}
	return c
}
