// SPDX-License-Identifier: MPL-2.0
import type { ReactNode } from 'react';
import type { Evaluation } from '../api/types.gen';
import { summary } from '../lib/explain';
import { short } from '../lib/format';
import { href } from '../lib/href';
import { evalStatus } from '../lib/status';
import { Link } from './link';
import { StatusMark } from './status';
import { DataTable, type Column } from './table';
import { Time } from './time';

/** What an evaluation found, a line for each group that was not placed. */
export function outcome(e: Evaluation): ReactNode {
  const failed = Object.entries(e.FailedTGAllocs ?? {});
  if (failed.length === 0) return e.StatusDescription ?? '';
  return <span className="lines">{failed.map(([g, m]) => `${failed.length > 1 ? `${g}: ` : ''}${summary(m)}`).join('\n')}</span>;
}

/** Evaluations in a table; those of one page of a longer list stay in the order that the server gave them, by their creation. */
export function EvalTable({ evals, known = [], part, busy }: { evals: Evaluation[]; known?: 'job'[]; part?: boolean; busy?: boolean }) {
  const columns: (Column<Evaluation> | false)[] = [
    {
      key: 'id',
      title: 'Evaluation',
      cell: (e) => (
        <Link to={href.evaluation(e.ID ?? '', e.Namespace)} aria-label={`Evaluation ${short(e.ID ?? '')}`}>
          <code>{short(e.ID ?? '')}</code>
        </Link>
      ),
    },
    { key: 'status', title: 'Status', sort: (e) => evalStatus(e).text, cell: (e) => <StatusMark status={evalStatus(e)} /> },
    !known.includes('job') && { key: 'job', title: 'Job', sort: (e) => e.JobID, cell: (e) => e.JobID && <Link to={href.job(e.JobID, e.Namespace)}>{e.JobID}</Link> },
    { key: 'trigger', title: 'Triggered by', from: 'small', sort: (e) => e.TriggeredBy, cell: (e) => <span style={{ whiteSpace: 'nowrap' }}>{e.TriggeredBy}</span> },
    { key: 'priority', title: 'Priority', from: 'wide', align: 'right', sort: (e) => e.Priority, cell: (e) => e.Priority },
    { key: 'created', title: 'Created', from: known.length > 0 ? undefined : 'small', served: part, sort: (e) => e.CreateIndex, cell: (e) => <Time at={e.CreateTime} /> },
    { key: 'outcome', title: 'Outcome', from: 'wide', grow: true, cell: outcome },
  ];
  const shown = columns.filter((c) => c !== false).map((c) => (part ? { ...c, sort: undefined } : c));
  return <DataTable label="Evaluations" columns={shown} rows={evals} rowKey={(e) => e.ID ?? ''} sortBy="-created" busy={busy} />;
}
