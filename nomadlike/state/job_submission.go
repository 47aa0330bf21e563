// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// jobSubmissions is the table of job sources.
type jobSubmissions struct{ *Table[api.JobSubmission] }

// JobSubmissions holds the source that a job version was submitted with, keyed by namespace, ID and
// version. Rows go with the version.
var JobSubmissions = &jobSubmissions{newTable(schema[api.JobSubmission]{
	name:     "job_submissions",
	key:      func(s *api.JobSubmission) Key { return versionKey(s.Namespace, s.JobID, s.Version) },
	modified: func(s *api.JobSubmission) uint64 { return s.JobModifyIndex },
	indexes: []index[api.JobSubmission]{
		{name: ByJob, key: func(s *api.JobSubmission) (Key, bool) { return StringKey(s.Namespace, s.JobID), true }},
	},
})}

// Get returns the source of a job version, nil when none is kept.
func (t *jobSubmissions) Get(r Reader, namespace, id string, version uint64) *api.JobSubmission {
	return t.getKey(r, versionKey(namespace, id, version))
}

func versionKey(namespace, id string, version uint64) Key {
	k := StringKey(namespace, id)
	k.N = version
	return k
}
