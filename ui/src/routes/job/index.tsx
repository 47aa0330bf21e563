// SPDX-License-Identifier: MPL-2.0
import { JobAllocations, JobEvaluations, JobGet } from '../../api/ops.gen';
import type { Evaluation, Job } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { Cli, quoted } from '../../components/code';
import { Page, TabBar } from '../../components/page';
import { Empty, Result } from '../../components/states';
import { StatusMark } from '../../components/status';
import { href, splitNamespace } from '../../lib/href';
import { statusOf, type Status } from '../../lib/status';
import { JobActions } from './actions';
import { Definition } from './definition';
import { JobEvaluationsTab } from './evaluations';
import { Overview } from './overview';
import { Versions } from './versions';

/** One job: which of its screens is in the address. */
export default function JobPage({ job: segment, tab }: { job: string; tab: string }) {
  const { id, namespace } = splitNamespace(segment);
  const { region } = useAmbient();
  const at = { namespace, region };
  const query = useOp(JobGet, { JobID: id }, at);
  const allocs = useOp(JobAllocations, { JobID: id }, at);
  const evals = useOp(JobEvaluations, { JobID: id }, at);
  const to = (t: string) => href.job(id, namespace, t);
  return (
    <Result query={query} what={`Job ${id}`}>
      {(job) => (
        <Page title={job.Name || id} crumb={{ to: '/jobs', text: 'Jobs' }} mark={<StatusMark status={statusOfJob(job, evals.data?.data ?? [])} />} actions={<JobActions job={job} />} cli={<Cli command={`nomadlike job status${namespace === 'default' ? '' : ` -namespace=${namespace}`} ${quoted(id)}`} />}>
          <TabBar
            label="Job"
            tabs={[
              { to: to(''), text: 'Overview' },
              { to: to('definition'), text: 'Definition' },
              { to: to('versions'), text: 'Versions', note: job.Version > 0 ? job.Version + 1 : undefined },
              { to: to('evaluations'), text: 'Evaluations', note: evals.data?.data.length },
            ]}
          />
          {tab === '' && <Overview job={job} allocs={allocs} evals={evals} />}
          {tab === 'definition' && <Definition job={job} />}
          {tab === 'versions' && <Versions job={job} />}
          {tab === 'evaluations' && <JobEvaluationsTab evals={evals} />}
          {!['', 'definition', 'versions', 'evaluations'].includes(tab) && <Empty title="There is no such page of a job" />}
        </Page>
      )}
    </Result>
  );
}

function statusOfJob(job: Job, evals: Evaluation[]): Status {
  if (job.Status === 'dead') return job.Stop ? { tone: 'idle', text: 'stopped' } : statusOf(job.Type === 'batch' || job.Type === 'sysbatch' ? 'complete' : 'dead');
  if (job.Periodic) return { tone: 'good', text: 'periodic' };
  if (job.ParameterizedJob && !job.Dispatched) return { tone: 'good', text: 'parameterized' };
  if (evals.some((e) => e.Status === 'blocked')) return { tone: 'warn', text: job.Status === 'running' ? 'partly placed' : 'not placed' };
  return statusOf(job.Status);
}
