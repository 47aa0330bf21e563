// SPDX-License-Identifier: MPL-2.0

package state

import (
	"iter"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// jobVersions is the table of job versions; the row of the current version is that of Jobs.
type jobVersions struct{ *Table[api.Job] }

// JobVersions holds the kept versions of each job, keyed by namespace, ID and version.
var JobVersions = &jobVersions{newTable(schema[api.Job]{
	name:     "job_versions",
	key:      func(j *api.Job) Key { return versionKey(j.Namespace, j.ID, j.Version) },
	modified: func(j *api.Job) uint64 { return j.ModifyIndex },
	indexes: []index[api.Job]{
		{name: ByJob, key: func(j *api.Job) (Key, bool) { return StringKey(j.Namespace, j.ID), true }},
	},
})}

// DefaultTrackedVersions is how many versions of a job are kept when nothing else is configured.
const DefaultTrackedVersions = 6

// Get returns a version of a job, nil when it is not kept.
func (t *jobVersions) Get(r Reader, namespace, id string, version uint64) *api.Job {
	return t.getKey(r, versionKey(namespace, id, version))
}

// Of yields the kept versions of a job, newest first.
func (t *jobVersions) Of(r Reader, namespace, id string) iter.Seq[*api.Job] {
	g := t.group(r, ByJob, StringKey(namespace, id))
	return func(yield func(*api.Job) bool) {
		if g != nil {
			g.rows.descend(t.key, nil, yield)
		}
	}
}

// Trim deletes the oldest untagged versions of a job, and the sources submitted with them, until at most
// keep untagged ones are left. The current version stays.
func (t *jobVersions) Trim(w *WriteTx, namespace, id string, keep int) {
	if keep < 1 {
		keep = DefaultTrackedVersions
	}
	versions := slices.Collect(t.Of(w, namespace, id))
	kept := 0
	for i, v := range versions {
		if v.VersionTag != nil {
			continue
		}
		if kept++; kept <= keep || i == 0 {
			continue
		}
		t.deleteKey(w, t.key(v))
		JobSubmissions.deleteKey(w, versionKey(namespace, id, v.Version))
	}
}
