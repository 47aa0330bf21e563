// SPDX-License-Identifier: MPL-2.0
import type { Allocation } from '../../api/types.gen';
import { Icons } from '../../components/icons';
import { Panel } from '../../components/page';
import { Time } from '../../components/time';
import { span } from '../../lib/format';
import { forgotten, steps, type Moment } from '../../lib/life';
import { tonesOf } from '../../lib/timeline';
import css from './alloc.module.css';

/** An allocation's life, from its placement on. */
export function Life({ alloc }: { alloc: Allocation }) {
  const all = steps(alloc, tonesOf);
  const first = all[0];
  const healthy = all.find((s) => s.title === 'Healthy') ?? all.find((s) => s.title.startsWith('Started'));
  const known = healthy && (healthy.title === 'Healthy' || !all.some((s) => s.title === forgotten));
  return (
    <Panel title="Timeline" note={first && known ? `${span(healthy.at - first.at)} from placed to ${healthy.title === 'Healthy' ? 'healthy' : 'started'}` : undefined}>
      <ol className={css.life}>
        {all.map((s, i) => {
          const Icon = Icons[s.tone];
          return (
            <li key={`${s.at}/${s.task}/${s.title}/${i}`} data-tone={s.tone}>
              <span className={css.gap}>{!s.after ? '' : `+${span(s.after)}`}</span>
              <Icon size={16} />
              <div>
                <b>{s.title}</b>
                {s.times > 1 && ` × ${s.times}`}
                <span className="dim">
                  {s.task && ` · ${s.task}`} · <Time at={s.at * 1e6} />
                  {s.until > s.at && (
                    <>
                      {' to '}
                      <Time at={s.until * 1e6} />
                    </>
                  )}
                </span>
                {s.text && <p>{s.text}</p>}
                {s.rounds.length > 0 && <Rounds moments={s.rounds} />}
              </div>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

/** Each of what a step joins. */
function Rounds({ moments }: { moments: Moment[] }) {
  return (
    <details className={css.rounds}>
      <summary>Each of them</summary>
      <ol>
        {moments.map((m, i) => {
          const Icon = Icons[m.tone];
          return (
            <li key={i} data-tone={m.tone}>
              <Icon size={14} />
              <span>
                {m.title}
                <span className="dim">
                  {' · '}
                  <Time at={m.at * 1e6} />
                  {m.text && ` · ${m.text}`}
                </span>
              </span>
            </li>
          );
        })}
      </ol>
    </details>
  );
}
