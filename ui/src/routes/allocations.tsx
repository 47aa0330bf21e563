// SPDX-License-Identifier: MPL-2.0
import { useMemo } from 'react';
import { AllocList } from '../api/ops.gen';
import type { AllocListStub } from '../api/types.gen';
import { newestAllocs } from '../app/ahead';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { AllocTable } from '../components/alloc-table';
import { Cli, listed } from '../components/code';
import { Choice, distinct, Filters, NoMatch, SearchField, Shown } from '../components/filters';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { Empty, Result, Waiting } from '../components/states';
import { allocStatus } from '../lib/status';

/** All allocations, across jobs and clients. */
export default function AllocationsPage() {
  const { namespace, region } = useAmbient();
  const newest = useOp(AllocList, {}, { namespace, region, ...newestAllocs });
  const more = newest.data !== undefined && newest.data.nextToken !== '';
  const all = useOp(AllocList, {}, { namespace, region, enabled: more });
  const whole = !more || all.data !== undefined;
  return (
    <Page title="Allocations" cli={<Cli command={`nomadlike alloc status -json${listed(namespace)}`} />}>
      <Result query={more && (all.data || all.isError) ? all : newest} what="The list of allocations">
        {(allocs) =>
          allocs.length === 0 ? (
            <Empty title="No allocations">
              <p>
                Nothing runs and nothing ended lately. <Link to="/jobs/run">Run a job</Link> to change that.
              </p>
            </Empty>
          ) : (
            <Allocations allocs={allocs} whole={whole} />
          )
        }
      </Result>
    </Page>
  );
}

const filters = ['q', 'status', 'node', 'job', 'group', 'version'] as const;

function Allocations({ allocs, whole }: { allocs: AllocListStub[]; whole: boolean }) {
  const [params] = useQueryParams();
  const [q, status, node, job, group, version] = filters.map((f) => params.get(f) ?? '') as [string, string, string, string, string, string];
  const shown = useMemo(() => {
    const text = q.toLowerCase();
    return allocs.filter(
      (a) =>
        (!text || a.ID.startsWith(text) || a.Name.toLowerCase().includes(text) || a.NodeName.toLowerCase().includes(text)) &&
        (!status || allocStatus(a).text === status) &&
        (!node || a.NodeName === node) &&
        (!job || a.JobID === job) &&
        (!group || a.TaskGroup === group) &&
        (!version || String(a.JobVersion) === version),
    );
  }, [allocs, q, status, node, job, group, version]);
  const choices = useMemo(() => {
    const ofJob = job ? allocs.filter((a) => a.JobID === job) : allocs;
    return {
      status: distinct(allocs, (a) => allocStatus(a).text),
      job: distinct(allocs, (a) => a.JobID),
      node: distinct(allocs, (a) => a.NodeName),
      group: distinct(ofJob, (a) => a.TaskGroup),
      version: distinct(ofJob, (a) => String(a.JobVersion)),
    };
  }, [allocs, job]);
  return (
    <>
      <Filters>
        <SearchField label="Search by ID, name or client" />
        <Choice label="Status" param="status" options={choices.status} />
        <Choice label="Job" param="job" options={choices.job} />
        <Choice label="Client" param="node" options={choices.node} />
        <Choice label="Group" param="group" options={choices.group} />
        {(choices.version.length > 1 || version) && <Choice label="Version" param="version" options={choices.version} />}
        {whole ? (
          <Shown shown={shown.length} all={allocs.length} one="allocation" />
        ) : (
          <span className="dim" role="status">
            The newest {allocs.length}, older ones follow…
          </span>
        )}
      </Filters>
      {shown.length === 0 && !whole ? (
        <Waiting />
      ) : shown.length === 0 ? (
        <NoMatch title="No allocation matches" params={filters} />
      ) : (
        <AllocTable allocs={shown} />
      )}
    </>
  );
}
