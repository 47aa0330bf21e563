// SPDX-License-Identifier: MPL-2.0
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { JobList } from '../api/ops.gen';
import type { JobListStub } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { Bar } from '../components/bar';
import { Cli } from '../components/code';
import { Choice, distinct, Filters, SearchField } from '../components/filters';
import { Icons } from '../components/icons';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { count } from '../lib/format';
import { href } from '../lib/href';
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
      cli={<Cli command={`nomadlike job status${namespace === '*' ? ' -namespace="*"' : namespace === 'default' ? '' : ` -namespace=${namespace}`}`} />}
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

const columns = (withNamespace: boolean): Column<JobListStub>[] => [
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
    cell: (j) => (j.JobSummary?.Children && (j.Periodic || j.ParameterizedJob) ? <Children job={j} /> : <Bar label={`Allocations of ${j.Name}`} parts={partsOf(countsOf(j), j.Type)} />),
  },
  { key: 'submitted', title: 'Submitted', from: 'small', sort: (j) => j.SubmitTime, cell: (j) => <Time at={j.SubmitTime} /> },
];

function Children({ job }: { job: JobListStub }) {
  const c = job.JobSummary?.Children;
  return (
    <span className="dim">
      {count(c?.Running ?? 0, 'child running', 'children running')}, {c?.Pending ?? 0} pending
    </span>
  );
}

function Jobs({ jobs }: { jobs: JobListStub[] }) {
  const [params, setParams] = useQueryParams();
  const [q, status, type, pool] = ['q', 'status', 'type', 'pool'].map((n) => params.get(n) ?? '') as [string, string, string, string];
  const top = useMemo(() => jobs.filter((j) => !j.ParentID), [jobs]);
  const shown = useMemo(() => {
    const text = q.toLowerCase();
    return top.filter((j) => (!text || j.ID.toLowerCase().includes(text) || j.Name.toLowerCase().includes(text)) && (!status || jobStatus(j).text === status) && (!type || j.Type === type) && (!pool || j.NodePool === pool));
  }, [top, q, status, type, pool]);
  const namespaces = new Set(top.map((j) => j.Namespace)).size;
  const pools = distinct(top, (j) => j.NodePool);
  return (
    <>
      <Filters>
        <SearchField label="Search jobs" />
        <Choice label="Status" param="status" options={distinct(top, (j) => jobStatus(j).text)} />
        <Choice label="Type" param="type" options={distinct(top, (j) => j.Type)} />
        {pools.length > 1 && <Choice label="Node pool" param="pool" options={pools} />}
        <span className="dim" role="status">
          {shown.length === top.length ? count(top.length, 'job') : `${shown.length} of ${count(top.length, 'job')}`}
        </span>
      </Filters>
      {shown.length === 0 ? (
        <Empty title="No job matches">
          <Button variant="default" size="compact-sm" onClick={() => setParams({ q: null, status: null, type: null, pool: null })}>
            Clear the filters
          </Button>
        </Empty>
      ) : (
        <DataTable label="Jobs" columns={columns(namespaces > 1)} rows={shown} rowKey={(j) => `${j.Namespace}/${j.ID}`} sortBy="name" />
      )}
    </>
  );
}
