// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// jobRow is a row of Jobs or JobVersions in a snapshot: the number of a shared job, so that both tables
// and the allocations refer to one copy after a restore as before.
type jobRow struct{ Job uint32 }

func encodeJob(e *rowEncoder, j *api.Job) { e.row(&jobRow{ref(e, &e.jobs, recordJob, j)}) }

func decodeJob(d *rowDecoder) (*api.Job, error) {
	var r jobRow
	if err := d.row(&r); err != nil {
		return nil, err
	}
	j, err := deref(&d.jobs, r.Job)
	if err == nil && j == nil {
		err = fmt.Errorf("%w: row without a job", errDamaged)
	}
	return j, err
}

func init() {
	Jobs.encode, Jobs.decode = encodeJob, decodeJob
	JobVersions.encode, JobVersions.decode = encodeJob, decodeJob
}
