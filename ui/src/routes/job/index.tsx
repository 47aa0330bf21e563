// SPDX-License-Identifier: MPL-2.0
import { Suspense } from 'react';
import { JobAllocations, JobEvaluations, JobGet, JobLatestDeployment, JobSummary } from '../../api/ops.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { screen } from '../../app/screen';
import { Cli, inNamespace, quoted } from '../../components/code';
import { Page, TabBar } from '../../components/page';
import { Empty, Result, Waiting } from '../../components/states';
import { StatusMark } from '../../components/status';
import { href, splitNamespace } from '../../lib/href';
import { jobStatus } from '../../lib/status';
import { JobActions } from './actions';
import { Definition } from './definition';
import { DeploymentsTab } from './deployment';
import { JobEvaluationsTab } from './evaluations';
import { Overview } from './overview';
import { JobServices, servicesOf } from './services';
import { Versions } from './versions';

const JobLogs = screen(() => import('../logs/job'));

/** The command line that shows what a tab shows. */
function command(tab: string, at: string, id: string): string {
  switch (tab) {
    case 'logs':
      return `nomadlike alloc logs -f${at} -job ${id}`;
    case 'definition':
      return `nomadlike job inspect${at} ${id}`;
    case 'versions':
      return `nomadlike job history -p${at} ${id}`;
    case 'deployments':
      return `nomadlike job deployments${at} ${id}`;
    case 'evaluations':
      return `nomadlike eval list${at} -job ${id}`;
  }
  return `nomadlike job status${at} ${id}`;
}

/** One job: which of its screens is in the address. */
export default function JobPage({ job: segment, tab }: { job: string; tab: string }) {
  const { id, namespace } = splitNamespace(segment);
  const { region } = useAmbient();
  const at = { namespace, region };
  const query = useOp(JobGet, { JobID: id }, at);
  const allocs = useOp(JobAllocations, { JobID: id }, at);
  const evals = useOp(JobEvaluations, { JobID: id }, at);
  const summary = useOp(JobSummary, { JobID: id }, at).data?.data ?? null;
  const deployment = useOp(JobLatestDeployment, { JobID: id }, at).data?.data;
  const to = (t: string) => href.job(id, namespace, t);
  return (
    <Result query={query} what={`Job ${id}`} crumb={{ to: '/jobs', text: 'Jobs' }}>
      {(job) => {
        const parent = job.Periodic !== null || (job.ParameterizedJob !== null && !job.Dispatched);
        return (
        <Page title={job.Name || id} crumb={{ to: '/jobs', text: 'Jobs' }} mark={<StatusMark status={jobStatus({ ...job, Periodic: job.Periodic !== null, ParameterizedJob: job.ParameterizedJob !== null && !job.Dispatched, JobSummary: summary })} />} actions={<JobActions job={job} />} cli={<Cli command={command(tab, inNamespace(namespace), quoted(id))} />}>
          <TabBar
            label="Job"
            tabs={[
              { to: to(''), text: 'Overview' },
              ...(parent ? [] : [{ to: to('logs'), text: 'Logs' }]),
              { to: to('definition'), text: 'Definition' },
              { to: to('versions'), text: 'Versions', note: job.Version > 0 ? job.Version + 1 : undefined },
              ...(servicesOf(job).size > 0 ? [{ to: to('services'), text: 'Services' }] : []),
              ...(deployment ? [{ to: to('deployments'), text: 'Deployments' }] : []),
              { to: to('evaluations'), text: 'Evaluations', note: evals.data?.data.length },
            ]}
          />
          {tab === '' && <Overview job={job} allocs={allocs} evals={evals} deployment={deployment} />}
          {tab === 'logs' && (
            <Suspense fallback={<Waiting />}>
              <JobLogs job={job} allocs={allocs.data?.data ?? []} />
            </Suspense>
          )}
          {tab === 'services' && <JobServices job={job} />}
          {tab === 'definition' && <Definition job={job} />}
          {tab === 'versions' && <Versions job={job} />}
          {tab === 'evaluations' && <JobEvaluationsTab evals={evals} />}
          {tab === 'deployments' && <DeploymentsTab job={job} />}
          {!['', 'logs', 'definition', 'versions', 'services', 'deployments', 'evaluations'].includes(tab) && <Empty title="There is no such page of a job" />}
        </Page>
        );
      }}
    </Result>
  );
}
