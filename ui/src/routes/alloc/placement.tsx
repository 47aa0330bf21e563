// SPDX-License-Identifier: MPL-2.0
import { NodeList } from '../../api/ops.gen';
import type { Allocation, NodeScoreMeta } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { Link } from '../../components/link';
import { Card, Panel } from '../../components/page';
import { Reasons } from '../../components/placement';
import { Empty } from '../../components/states';
import { DataTable, type Column } from '../../components/table';
import { short, span } from '../../lib/format';
import { href } from '../../lib/href';
import css from './alloc.module.css';

const meanings: Record<string, string> = {
  binpack: 'how well it fills the client',
  spread: 'how evenly it loads the clients',
  'job-anti-affinity': 'others of the group are there already',
  'node-affinity': 'the affinities of the job',
  'node-reschedule-penalty': 'it failed there before',
  'allocation-spread': 'the spread blocks of the job',
  preemption: 'what would have to go',
  devices: 'the affinities to devices',
  stranded: 'much of one resource would be left beside little of the other, so it comes last',
};

/** Why the allocation is where it is, and what kept it off the other clients. */
export function Placement({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const nodes = useOp(NodeList, {}, { region });
  const names = new Map((nodes.data?.data ?? []).map((n) => [n.ID, n.Name]));
  const m = alloc.Metrics;
  if (!m) return <Empty title="The scheduler kept no metrics of this placement" />;
  const scores = [...(m.ScoreMetaData ?? [])].sort((a, b) => b.NormScore - a.NormScore);
  const parts = [...new Set(scores.flatMap((s) => Object.keys(s.Scores ?? {})))].sort();
  const columns: Column<NodeScoreMeta>[] = [
    {
      key: 'node',
      title: 'Client',
      grow: true,
      cell: (s) => (
        <>
          <Link to={href.node(s.NodeID)}>{names.get(s.NodeID) ?? short(s.NodeID)}</Link>
          {s.NodeID === alloc.NodeID && <span className="dim"> · chosen</span>}
        </>
      ),
    },
    { key: 'total', title: 'Score', align: 'right', sort: (s) => s.NormScore, cell: (s) => <b className={css.score}>{s.NormScore.toFixed(3)}</b> },
    ...parts.map((p): Column<NodeScoreMeta> => ({ key: p, title: p, align: 'right', from: 'small', sort: (s) => s.Scores?.[p], cell: (s) => <span className={css.score}>{(s.Scores?.[p] ?? 0).toFixed(3)}</span> })),
  ];
  return (
    <>
      <Panel title="Why here" note={`decided in ${span(m.AllocationTime / 1e6)}`}>
        {scores.length === 0 ? <Empty title="No scores were kept: there was nothing to choose" /> : <DataTable label="Scores by client" columns={columns} rows={scores} rowKey={(s) => s.NodeID} sortBy="-total" />}
        {parts.length > 0 && (
          <p className={css.note}>
            The score is the mean of its parts:{' '}
            {parts
              .filter((p) => meanings[p])
              .map((p) => `${p} (${meanings[p]})`)
              .join(', ')}
            .
          </p>
        )}
      </Panel>
      <Panel title="Why not elsewhere">
        <Card>{m.NodesFiltered + m.NodesExhausted === 0 ? <p className="dim">No client was kept out: {m.NodesEvaluated === 1 ? 'the only one' : `all ${m.NodesEvaluated}`} considered could have taken it.</p> : <Reasons metric={m} />}</Card>
      </Panel>
    </>
  );
}
