// SPDX-License-Identifier: MPL-2.0
import { short } from '../lib/format';
import { href } from '../lib/href';
import type { Happening } from '../lib/timeline';
import css from './events.module.css';
import { Icons } from './icons';
import { Link } from './link';
import { Time } from './time';

/** What happened, newest first. */
export function Events({ happenings, withAlloc }: { happenings: Happening[]; withAlloc?: boolean }) {
  if (happenings.length === 0) return <p className="dim">Nothing has happened yet.</p>;
  return (
    <ol className={css.list}>
      {happenings.map((h, i) => {
        const Icon = Icons[h.tone];
        return (
          <li key={`${h.allocID}/${h.task}/${h.at}/${i}`} data-tone={h.tone}>
            <Icon size={15} />
            <div className={css.what}>
              <b>{h.type}</b>
              <span className={css.when}>
                <Time at={h.at} />
              </span>
              <p>
                {h.task}
                {withAlloc && (
                  <>
                    {' '}
                    of <Link to={href.alloc(h.allocID)}>{short(h.allocID)}</Link>
                  </>
                )}
                {h.text && `: ${h.text}`}
              </p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
