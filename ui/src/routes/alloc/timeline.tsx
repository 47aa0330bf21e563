// SPDX-License-Identifier: MPL-2.0
import type { Allocation } from '../../api/types.gen';
import { Icons } from '../../components/icons';
import { Panel } from '../../components/page';
import { Time } from '../../components/time';
import { span } from '../../lib/format';
import { steps } from '../../lib/tasks';
import { toneOf } from '../../lib/timeline';
import css from './alloc.module.css';

/** An allocation's life, from its placement on. */
export function Life({ alloc }: { alloc: Allocation }) {
  const all = steps(alloc, toneOf);
  const first = all[0];
  const healthy = all.find((s) => s.title === 'Healthy') ?? all.find((s) => s.title === 'Started');
  return (
    <Panel title="Timeline" note={first && healthy ? `${span(healthy.at - first.at)} from placed to ${healthy.title.toLowerCase()}` : undefined}>
      <ol className={css.life}>
        {all.map((s, i) => {
          const Icon = Icons[s.tone];
          return (
            <li key={`${s.at}/${s.task}/${s.title}/${i}`} data-tone={s.tone}>
              <span className={css.gap}>{s.after === undefined ? '' : `+${span(s.after)}`}</span>
              <Icon size={16} />
              <div>
                <b>{s.title}</b>
                {s.times > 1 && ` × ${s.times}`}
                <span className="dim">
                  {s.task && ` · ${s.task}`} · <Time at={s.at * 1e6} />
                </span>
                {s.text && <p>{s.text}</p>}
              </div>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
