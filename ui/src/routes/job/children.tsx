// SPDX-License-Identifier: MPL-2.0
import { JobList } from '../../api/ops.gen';
import type { Job, JobListStub } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { Link } from '../../components/link';
import { Panel } from '../../components/page';
import { Empty, Result } from '../../components/states';
import { StatusMark } from '../../components/status';
import { DataTable, type Column } from '../../components/table';
import { Time } from '../../components/time';
import { count } from '../../lib/format';
import { href } from '../../lib/href';
import { jobStatus } from '../../lib/status';

const columns: Column<JobListStub>[] = [
  { key: 'id', title: 'Child', grow: true, sort: (j) => j.ID, cell: (j) => <Link to={href.job(j.ID, j.Namespace)}>{j.ID.slice((j.ParentID ?? '').length + 1)}</Link> },
  { key: 'status', title: 'Status', sort: (j) => jobStatus(j).text, cell: (j) => <StatusMark status={jobStatus(j)} /> },
  { key: 'submitted', title: 'Launched', from: 'small', sort: (j) => j.SubmitTime, cell: (j) => <Time at={j.SubmitTime} /> },
];

/** The jobs that a periodic or parameterised job launched. */
export function Children({ job }: { job: Job }) {
  const { region } = useAmbient();
  const query = useOp(JobList, {}, { namespace: job.Namespace, region, prefix: `${job.ID}/` });
  return (
    <Result query={query} what="The children">
      {(jobs) => {
        const mine = jobs.filter((j) => j.ParentID === job.ID);
        return (
          <Panel title="Children" note={count(mine.length, 'job')}>
            {mine.length === 0 ? (
              <Empty title="No children yet">
                <p>{job.Periodic ? 'The next launch makes the first one; "Force a launch" makes one now.' : 'Dispatch the job to launch the first one.'}</p>
              </Empty>
            ) : (
              <DataTable label={`Children of ${job.ID}`} columns={columns} rows={mine} rowKey={(j) => j.ID} sortBy="-submitted" />
            )}
          </Panel>
        );
      }}
    </Result>
  );
}
