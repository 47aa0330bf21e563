// SPDX-License-Identifier: MPL-2.0
import { Icons } from '../../components/icons';
import { Link } from '../../components/link';
import { Panel } from '../../components/page';
import css from '../../components/placement.module.css';
import { Time } from '../../components/time';
import type { Failed } from '../../lib/failures';
import { short } from '../../lib/format';
import { href } from '../../lib/href';

/** What failed last in each group, and the way to what it wrote. */
export function Failing({ failures }: { failures: Failed[] }) {
  return (
    <Panel title="Why it fails" note="the newest failure of each group">
      <div className={css.list}>
        {failures.map((f) => (
          <div key={f.alloc.ID} className={css.group} data-tone="bad">
            <div className={css.head}>
              <Icons.bad size={17} />
              <strong>
                Group {f.alloc.TaskGroup}
                {f.task && `: task ${f.task} failed`}
              </strong>
              <span className="dim">
                <Time at={f.at} />
              </span>
            </div>
            <ul className={css.reasons}>
              {f.texts.map((t) => (
                <li key={t}>{t}</li>
              ))}
            </ul>
            <p className={css.links}>
              <Link to={`${href.alloc(f.alloc.ID, 'logs')}?type=both${f.task ? `&task=${encodeURIComponent(f.task)}` : ''}`}>What it wrote</Link>
              <Link to={href.alloc(f.alloc.ID)}>Allocation {short(f.alloc.ID)}</Link>
            </p>
          </div>
        ))}
      </div>
    </Panel>
  );
}
