// SPDX-License-Identifier: MPL-2.0
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { AllocList, EvalList, JobList, JobStatusesOf, NodePoolList } from '../api/ops.gen';
import type { JobListStub, JobStatus } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { usePaged, type Paged } from '../app/paged';
import { useOp } from '../app/query';
import { Bar, Bars } from '../components/bar';
import { Cli, listed, pageCommand } from '../components/code';
import { Choice, Filters, NoMatch, SearchField } from '../components/filters';
import { Icons } from '../components/icons';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { BeyondEnd, Pager, Part } from '../components/pager';
import { Empty, Failure, Notice, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { count } from '../lib/format';
import { healthOf, healthOfGroups } from '../lib/health';
import { href } from '../lib/href';
import { failedRead, jobFilters, jobsOf, jobsRead, jobStates, jobTroubles, mostNamed, troubleOf, type Ambient, type Trouble } from '../lib/lists';
import { countsOf, jobStatus } from '../lib/status';
import { partsOf } from './job/parts';

const keyOf = (j: { ID: string; Namespace: string }) => `${j.Namespace}/${j.ID}`;

/** All jobs, a page at a time. */
export function JobsPage() {
  const ambient = useAmbient();
  const [params] = useQueryParams();
  const trouble = useTrouble(troubleOf(params), ambient);
  const read = jobsRead(params, ambient, trouble?.jobs);
  const paged = usePaged(JobList, {}, read, keyOf, !trouble || trouble.jobs !== undefined);
  const filtered = jobFilters.some((f) => params.get(f));
  return (
    <Page
      title="Jobs"
      actions={
        <Button component={Link} to="/jobs/run" leftSection={<Icons.plus />}>
          Run a job
        </Button>
      }
      cli={<Cli command={filtered || paged.within ? pageCommand('/v1/jobs', read) : `nomadlike job status${listed(ambient.namespace)}`} />}
    >
      {trouble?.more && <Notice>Too many jobs are in this state: this list looks at the first {mostNamed} of them.</Notice>}
      {trouble?.error ? (
        <>
          <Failure error={trouble.error} what="Which jobs are in this state" />
          <NoMatch title="No job is known to match" params={jobFilters} />
        </>
      ) : (
        <Result query={paged.query} what="The list of jobs">
          {(jobs) => (jobs.length === 0 && !filtered && !paged.within ? <NoJobs /> : <Jobs jobs={jobs} paged={paged} />)}
        </Result>
      )}
    </Page>
  );
}

/** The jobs with a trouble, as their evaluations or allocations tell; undefined where none is asked for. */
function useTrouble(trouble: Trouble | undefined, ambient: Ambient): { jobs?: Map<string, string[]>; more: boolean; error: Error | null } | undefined {
  const blocked = useOp(EvalList, { Status: 'blocked' }, { ...ambient, perPage: 1000, enabled: trouble === 'waiting' });
  const failed = useOp(AllocList, { TaskStates: 'false' }, { ...failedRead(ambient), enabled: trouble === 'failing' });
  const query = trouble === 'waiting' ? blocked : failed;
  const found = useMemo(() => query.data && jobsOf(query.data.data), [query.data]);
  return trouble && { jobs: found?.jobs, more: !!found && (found.more || query.data?.nextToken !== ''), error: query.error };
}

function NoJobs() {
  return (
    <Empty title="No jobs yet">
      <p>
        A job says what should run. Paste a job file under <Link to="/jobs/run">Run a job</Link>, or start with the example of the command line:
      </p>
      <Cli command="nomadlike job init -short && nomadlike job run example.nomad.hcl" />
    </Empty>
  );
}

const columns = (withNamespace: boolean, statuses: Map<string, JobStatus>): Column<JobListStub>[] => [
  {
    key: 'name',
    title: 'Name',
    served: true,
    grow: true,
    cell: (j) => <Link to={href.job(j.ID, j.Namespace)}>{j.Name}</Link>,
  },
  { key: 'status', title: 'Status', sort: (j) => jobStatus(j).text, cell: (j) => <StatusMark status={jobStatus(j)} /> },
  ...(withNamespace ? [{ key: 'namespace', title: 'Namespace', from: 'wide', sort: (j: JobListStub) => j.Namespace, cell: (j: JobListStub) => j.Namespace } as Column<JobListStub>] : []),
  { key: 'type', title: 'Type', from: 'small', sort: (j) => j.Type, cell: (j) => j.Type },
  { key: 'priority', title: 'Priority', from: 'wide', align: 'right', sort: (j) => j.Priority, cell: (j) => j.Priority },
  {
    key: 'allocations',
    title: 'Allocations',
    sort: (j) => countsOf(j).running,
    cell: (j) => (j.JobSummary?.Children && (j.Periodic || j.ParameterizedJob) ? <Children job={j} /> : <Allocations job={j} status={statuses.get(keyOf(j))} />),
  },
  { key: 'submitted', title: 'Submitted', from: 'small', sort: (j) => j.SubmitTime, cell: (j) => <Time at={j.SubmitTime} /> },
];

function Children({ job }: { job: JobListStub }) {
  const c = job.JobSummary?.Children;
  return (
    <span className="dim">
      {count(c?.Running ?? 0, 'child running', 'children running')}
      {(c?.Pending ?? 0) > 0 && `, ${c?.Pending} pending`}
    </span>
  );
}

/** Healthy against wanted once that is read, and until then what the list itself knows. */
function Allocations({ job, status }: { job: JobListStub; status: JobStatus | undefined }) {
  const label = `Allocations of ${job.Name}`;
  if (!status) return <Bar label={label} parts={partsOf(countsOf(job), job.Type)} text="" />;
  const h = healthOf(status);
  const groups = healthOfGroups(status);
  if (groups.length > 1) return <Bars groups={groups.map(([name, g]) => ({ label: `Group ${name} of ${job.Name}`, parts: g.parts, width: g.wanted || 1 }))} text={h.wanted === undefined ? String(h.good) : `${h.good}/${h.wanted}`} />;
  return <Bar label={label} parts={h.parts} text={h.wanted === undefined ? String(h.good) : `${h.good}/${h.wanted}`} />;
}

/** The health of the jobs of a page. */
function useStatuses(jobs: JobListStub[], region: string | undefined): Map<string, JobStatus> {
  const ids = jobs.filter((j) => !j.Periodic && !j.ParameterizedJob).map((j) => ({ ID: j.ID, Namespace: j.Namespace }));
  const query = useOp(JobStatusesOf, { Jobs: ids, IncludeChildren: true }, { namespace: '*', region, enabled: ids.length > 0, keep: true });
  return useMemo(() => new Map((query.data?.data ?? []).map((s) => [keyOf(s), s])), [query.data]);
}

const types = ['service', 'batch', 'system', 'sysbatch'];

function Jobs({ jobs, paged }: { jobs: JobListStub[]; paged: Paged<JobListStub> }) {
  const { namespace, region } = useAmbient();
  const pools = (useOp(NodePoolList, {}, { region }).data?.data ?? []).map((p) => p.Name);
  const statuses = useStatuses(jobs, region);
  const several = namespace === '*' && jobs.some((j) => j.Namespace !== 'default');
  const cols = useMemo(() => columns(several, statuses).map((c) => (paged.whole ? c : { ...c, sort: undefined })), [several, statuses, paged.whole]);
  return (
    <>
      <Filters>
        <SearchField label="Search jobs" />
        <Choice label="Status" param="status" options={[...jobStates, ...jobTroubles]} />
        <Choice label="Type" param="type" options={types} />
        {pools.some((p) => p !== 'all' && p !== 'default') && <Choice label="Node pool" param="pool" options={pools} />}
        <Part paged={paged} one="job" />
      </Filters>
      {jobs.length > 0 ? (
        <DataTable label="Jobs" columns={cols} rows={jobs} rowKey={keyOf} sortBy="name" busy={paged.query.isPlaceholderData} />
      ) : paged.within ? (
        <BeyondEnd paged={paged} />
      ) : (
        <NoMatch title="No job matches" params={jobFilters} />
      )}
      <Pager paged={paged} />
    </>
  );
}
