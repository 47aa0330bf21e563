// SPDX-License-Identifier: MPL-2.0
import type { AllocMetric, GroupPlacement, PlacementObstacle } from '../api/types.gen';
import { changesTitle, nearest, obstacleText, obstacleValues, reasons, shortageText } from '../lib/explain';
import { count, upper } from '../lib/format';
import { href } from '../lib/href';
import { Icons } from './icons';
import { Link } from './link';
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
          {m.Placement ? <Explained placement={m.Placement} /> : <Reasons metric={m} />}
        </div>
      ))}
    </div>
  );
}

/** Sentences under a heading, if there are any. */
function Texts({ title, texts }: { title: string; texts: string[] | null | undefined }) {
  if (!texts?.length) return null;
  return (
    <>
      <h3 className={css.sub}>{title}</h3>
      <ul className={css.reasons}>
        {texts.map((t) => (
          <li key={t}>{upper(t)}</li>
        ))}
      </ul>
    </>
  );
}

function Obstacle({ obstacle: o, of }: { obstacle: PlacementObstacle; of: number }) {
  const values = obstacleValues(o);
  return (
    <li>
      {obstacleText(o)}
      <span className="dim">
        {' '}
        · {count(o.Nodes, 'client')} of {of}
        {o.Alone > 0 && o.Alone < o.Nodes && `, the only reason on ${o.Alone}`}
      </span>
      {values && <div>There it is {values}.</div>}
    </li>
  );
}

/** Everything that stands in the way as the cluster is now, how far the nearest clients are, and then what would help. */
function Explained({ placement: p }: { placement: GroupPlacement }) {
  return (
    <>
      <Texts title="Perhaps a mistake in the job" texts={p.Corrections} />
      {(p.Obstacles ?? []).length > 0 && (
        <>
          <h3 className={css.sub}>What stands in the way</h3>
          <ul className={css.reasons}>
            {(p.Obstacles ?? []).map((o) => (
              <Obstacle key={`${o.Kind}/${o.Reason}`} obstacle={o} of={p.Nodes} />
            ))}
          </ul>
        </>
      )}
      {(p.NearestMisses ?? []).length > 0 && (
        <>
          <h3 className={css.sub}>Nearest misses</h3>
          <ul className={css.reasons}>
            {(p.NearestMisses ?? []).map((m) => (
              <li key={m.NodeID}>
                <Link to={href.node(m.NodeID)}>{m.NodeName}</Link> lacks only {(m.Lacks ?? []).map(shortageText).join('; ')}
              </li>
            ))}
          </ul>
        </>
      )}
      <Texts title={changesTitle(p)} texts={p.Suggestions} />
      <Texts title="What the clients cannot follow" texts={p.Notes} />
      {p.Nodes === 0 && <p className={css.scope}>There is no client at all.</p>}
    </>
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
