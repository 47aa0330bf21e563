// SPDX-License-Identifier: MPL-2.0
import { SegmentedControl } from '@mantine/core';
import { ApiError } from '../../api/client';
import { JobSubmission } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { Code } from '../../components/code';
import { Link } from '../../components/link';
import { Panel } from '../../components/page';
import { Empty, Failure, Waiting } from '../../components/states';
import { href } from '../../lib/href';

/** The job as it was submitted and as the server has it. */
export function Definition({ job }: { job: Job }) {
  const { region } = useAmbient();
  const [params, setParams] = useQueryParams();
  const form = params.get('form') === 'json' ? 'json' : 'source';
  return (
    <Panel
      title={form === 'json' ? 'As the server has it' : 'As submitted'}
      note={`version ${job.Version}`}
      actions={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Form"
            value={form}
            onChange={(v) => setParams({ form: v === 'json' ? v : null })}
            data={[
              { value: 'source', label: 'Source' },
              { value: 'json', label: 'JSON' },
            ]}
          />
          <Link to={`/jobs/run?job=${encodeURIComponent(job.ID)}&in=${encodeURIComponent(job.Namespace)}`}>Edit</Link>
        </>
      }
    >
      {form === 'json' ? <Code label="Job as JSON" text={JSON.stringify(job, null, 2)} /> : <Source job={job} region={region} />}
    </Panel>
  );
}

function Source({ job, region }: { job: Job; region: string | undefined }) {
  const query = useOp(JobSubmission, { JobID: job.ID, Version: String(job.Version) }, { namespace: job.Namespace, region });
  if (query.error instanceof ApiError && query.error.status === 404 && query.error.message) {
    return (
      <Empty title="The source was not kept">
        <p>
          This version was submitted without its text, or through JSON. <Link to={`${href.job(job.ID, job.Namespace, 'definition')}?form=json`}>Look at the JSON</Link> instead.
        </p>
      </Empty>
    );
  }
  if (query.error) return <Failure error={query.error} what="The source" retry={() => void query.refetch()} />;
  if (!query.data) return <Waiting />;
  const s = query.data.data;
  const flags = Object.entries(s.VariableFlags ?? {});
  return (
    <>
      <Code label="Job file" text={s.Source} />
      {(s.Variables || flags.length > 0) && (
        <Panel title="Variables">
          <Code label="Variables" text={[s.Variables, ...flags.map(([k, v]) => `${k} = ${JSON.stringify(v)}`)].filter(Boolean).join('\n')} />
        </Panel>
      )}
    </>
  );
}
