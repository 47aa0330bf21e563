// SPDX-License-Identifier: MPL-2.0
import { useMemo } from 'react';
import type { AllocListStub } from '../api/types.gen';
import { href } from '../lib/href';
import { short } from '../lib/format';
import { allocStatus } from '../lib/status';
import { Link } from './link';
import { StatusMark } from './status';
import { DataTable, type Column } from './table';
import { Time } from './time';

/** What an allocation's row may leave out because the page says it. */
type Known = 'job' | 'node' | 'namespace';

function columns(known: Known[]): Column<AllocListStub>[] {
  const all: (Column<AllocListStub> | false)[] = [
    { key: 'id', title: 'Allocation', cell: (a) => <AllocLink alloc={a} /> },
    { key: 'status', title: 'Status', sort: (a) => allocStatus(a).text, cell: (a) => <StatusMark status={allocStatus(a)} /> },
    !known.includes('job') && { key: 'job', title: 'Job', sort: (a) => a.JobID, cell: (a) => <Link to={href.job(a.JobID, a.Namespace)}>{a.JobID}</Link> },
    { key: 'group', title: 'Group', from: known.includes('job') ? undefined : 'small', sort: place, cell: place },
    !known.includes('node') && { key: 'node', title: 'Client', from: 'small', sort: (a) => a.NodeName, cell: (a) => <Link to={href.node(a.NodeID)}>{a.NodeName || short(a.NodeID)}</Link> },
    !known.includes('namespace') && { key: 'namespace', title: 'Namespace', from: 'wide', sort: (a) => a.Namespace, cell: (a) => a.Namespace },
    { key: 'version', title: 'Version', from: 'wide', align: 'right', sort: (a) => a.JobVersion, cell: (a) => a.JobVersion },
    { key: 'restarts', title: 'Restarts', from: 'wide', align: 'right', sort: restarts, cell: (a) => restarts(a) || '–' },
    { key: 'created', title: 'Created', from: 'small', sort: (a) => a.CreateTime, cell: (a) => <Time at={a.CreateTime} /> },
  ];
  return all.filter((c) => c !== false);
}

/** Which of its group's allocations it is: "web[3]". */
function place(a: AllocListStub): string {
  return a.TaskGroup + (/\[\d+\]$/.exec(a.Name)?.[0] ?? '');
}

function restarts(a: AllocListStub): number {
  return Object.values(a.TaskStates ?? {}).reduce((n, t) => n + t.Restarts, 0);
}

function AllocLink({ alloc }: { alloc: AllocListStub }) {
  return (
    <Link to={href.alloc(alloc.ID)} aria-label={`Allocation ${short(alloc.ID)}`}>
      <code>{short(alloc.ID)}</code>
    </Link>
  );
}

/** Allocations in a table. */
export function AllocTable({ allocs, known, label = 'Allocations', sortBy = '-created', param }: { allocs: AllocListStub[]; known?: Known[]; label?: string; sortBy?: string; param?: string }) {
  // Callers write the list in place, so that it is a new one each time; what it says is what counts.
  const several = useMemo(() => allocs.some((a) => a.Namespace !== allocs[0]?.Namespace), [allocs]);
  const key = JSON.stringify([...(known ?? []), ...(several ? [] : ['namespace'])]);
  const cols = useMemo(() => columns(JSON.parse(key) as Known[]), [key]);
  return <DataTable label={label} columns={cols} rows={allocs} rowKey={(a) => a.ID} sortBy={sortBy} param={param} />;
}
