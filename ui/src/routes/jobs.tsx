// SPDX-License-Identifier: MPL-2.0
import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { JobList, JobStatusesOf } from '../api/ops.gen';
import type { JobListStub, JobStatus } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { Bar, Bars } from '../components/bar';
import { Cli, listed } from '../components/code';
import { Choice, distinct, Filters, NoMatch, SearchField, Shown } from '../components/filters';
import { Icons } from '../components/icons';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { count } from '../lib/format';
import { href } from '../lib/href';
import { healthOf, healthOfGroups } from '../lib/health';
import { countsOf, jobStatus } from '../lib/status';
import { partsOf } from './job/parts';

/** All jobs. */
export function JobsPage() {
  const { namespace, region } = useAmbient();
  const query = useOp(JobList, {}, { namespace, region });
  return (
    <Page
      title="Jobs"
      actions={
        <Button component={Link} to="/jobs/run" leftSection={<Icons.plus />}>
          Run a job
        </Button>
      }
      cli={<Cli command={`nomadlike job status${listed(namespace)}`} />}
    >
      <Result query={query} what="The list of jobs">
        {(jobs) => (jobs.length === 0 ? <NoJobs /> : <Jobs jobs={jobs} />)}
      </Result>
    </Page>
  );
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

const keyOf = (j: { ID: string; Namespace: string }) => `${j.Namespace}/${j.ID}`;

const columns = (withNamespace: boolean, statuses: Map<string, JobStatus>): Column<JobListStub>[] => [
  {
    key: 'name',
    title: 'Name',
    sort: (j) => j.Name,
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

/** The health of the jobs that are drawn. */
function useStatuses(shown: JobListStub[], region: string | undefined): Map<string, JobStatus> {
  const [rows] = useDebouncedValue(shown, 100, { leading: true });
  const ids = rows.filter((j) => !j.Periodic && !j.ParameterizedJob).map((j) => ({ ID: j.ID, Namespace: j.Namespace }));
  const query = useOp(JobStatusesOf, { Jobs: ids, IncludeChildren: true }, { namespace: '*', region, enabled: ids.length > 0, keep: true });
  return useMemo(() => new Map((query.data?.data ?? []).map((s) => [keyOf(s), s])), [query.data]);
}

const filters = ['q', 'status', 'type', 'pool'] as const;

function Jobs({ jobs }: { jobs: JobListStub[] }) {
  const [params] = useQueryParams();
  const [q, status, type, pool] = filters.map((f) => params.get(f) ?? '') as [string, string, string, string];
  const top = useMemo(() => jobs.filter((j) => !j.ParentID), [jobs]);
  const shown = useMemo(() => {
    const text = q.toLowerCase();
    return top.filter((j) => (!text || j.ID.toLowerCase().includes(text) || j.Name.toLowerCase().includes(text)) && (!status || jobStatus(j).text === status) && (!type || j.Type === type) && (!pool || j.NodePool === pool));
  }, [top, q, status, type, pool]);
  const namespaces = new Set(top.map((j) => j.Namespace)).size;
  const pools = distinct(top, (j) => j.NodePool);
  const { region } = useAmbient();
  const [drawn, setDrawn] = useState<JobListStub[]>([]);
  const statuses = useStatuses(drawn, region);
  const cols = useMemo(() => columns(namespaces > 1, statuses), [namespaces, statuses]);
  return (
    <>
      <Filters>
        <SearchField label="Search jobs" />
        <Choice label="Status" param="status" options={distinct(top, (j) => jobStatus(j).text)} />
        <Choice label="Type" param="type" options={distinct(top, (j) => j.Type)} />
        {pools.length > 1 && <Choice label="Node pool" param="pool" options={pools} />}
        <Shown shown={shown.length} all={top.length} one="job" />
      </Filters>
      {shown.length === 0 ? (
        <NoMatch title="No job matches" params={filters} />
      ) : (
        <DataTable label="Jobs" columns={cols} rows={shown} rowKey={keyOf} sortBy="name" onShown={setDrawn} />
      )}
    </>
  );
}
