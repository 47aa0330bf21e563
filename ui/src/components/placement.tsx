// SPDX-License-Identifier: MPL-2.0
import type { AllocMetric } from '../api/types.gen';
import { nearest, reasons } from '../lib/explain';
import { count } from '../lib/format';
import { Icons } from './icons';
import css from './placement.module.css';

/** Why groups could not be placed. */
export function WhyNot({ failures, queued }: { failures: Record<string, AllocMetric>; queued?: Record<string, number> | null }) {
  return (
    <div className={css.list}>
      {Object.entries(failures).map(([group, m]) => (
        <div key={group} className={css.group} data-tone="warn">
          <div className={css.head}>
            <Icons.warn size={17} />
            <strong>
              Group {group}: {count(Math.max(queued?.[group] ?? 0, (m.CoalescedFailures ?? 0) + 1), 'allocation')} not placed
            </strong>
          </div>
          <Reasons metric={m} />
        </div>
      ))}
    </div>
  );
}

/** What kept nodes out, and how far the nearest were away. */
export function Reasons({ metric }: { metric: AllocMetric }) {
  const room = nearest(metric);
  return (
    <>
      <ul className={css.reasons}>
        {reasons(metric).map((r) => (
          <li key={r.text}>
            <span>
              {r.text}
              {r.nodes > 0 && <span className="dim"> · {count(r.nodes, 'client')}</span>}
            </span>
            {r.advice && <div className="dim">{r.advice}</div>}
          </li>
        ))}
      </ul>
      <p className={css.scope}>
        {count(metric.NodesEvaluated, 'client')} considered
        {metric.NodesInPool > 0 && ` of ${metric.NodesInPool} in pool ${metric.NodePool}`}, {metric.NodesFiltered} kept out by constraints, {metric.NodesExhausted} without room.
        {room.length > 0 && metric.NodesFiltered > 0 && ` Nearest: ${count(room[0]!.nodes, 'client')} met every constraint and lacked ${room[0]!.what} only.`}
      </p>
      <Available available={metric.NodesAvailable} />
    </>
  );
}

function Available({ available }: { available: Record<string, number> | null }) {
  const list = Object.entries(available ?? {});
  if (list.length === 0) return null;
  return <p className={css.scope}>Ready by datacenter: {list.map(([dc, n]) => `${dc} ${n}`).join(', ')}.</p>;
}
