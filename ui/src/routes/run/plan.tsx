// SPDX-License-Identifier: MPL-2.0
import { Stack } from '@mantine/core';
import type { DesiredUpdates, JobPlanResponse } from '../../api/types.gen';
import { AllocTable } from '../../components/alloc-table';
import { JobDiffView } from '../../components/diff';
import { Icons } from '../../components/icons';
import { Panel } from '../../components/page';
import { WhyNot } from '../../components/placement';
import { Time } from '../../components/time';
import { count } from '../../lib/format';
import css from './plan.module.css';

const words: [keyof DesiredUpdates, string][] = [
  ['Place', 'created'],
  ['InPlaceUpdate', 'updated in place'],
  ['DestructiveUpdate', 'replaced'],
  ['Canary', 'created as canary'],
  ['Migrate', 'moved'],
  ['Stop', 'stopped'],
  ['RescheduleNow', 'rescheduled'],
  ['RescheduleLater', 'rescheduled later'],
  ['Preemptions', 'preempted'],
  ['Disconnect', 'disconnected'],
  ['Reconnect', 'reconnected'],
  ['Ignore', 'unchanged'],
];

/** What running a job would do. */
export function PlanView({ plan, isNew }: { plan: JobPlanResponse; isNew: boolean }) {
  const updates = Object.entries(plan.Annotations?.DesiredTGUpdates ?? {});
  const failures = plan.FailedTGAllocs ?? {};
  const preempted = plan.Annotations?.PreemptedAllocs ?? [];
  return (
    <Stack gap="md">
      {plan.Warnings && (
        <div className={css.warning} role="status">
          <Icons.warn size={16} />
          <span>{plan.Warnings.trim()}</span>
        </div>
      )}
      <ul className={css.updates}>
        {updates.map(([group, u]) => (
          <li key={group}>
            <b>{group}</b>
            {words.filter(([k]) => u[k] > 0).map(([k, word]) => (
              <span key={k} data-kind={k}>
                {u[k]} {word}
              </span>
            ))}
            {words.every(([k]) => u[k] === 0) && <span>nothing changes</span>}
          </li>
        ))}
      </ul>
      {plan.NextPeriodicLaunch && (
        <p>
          The next launch would be <Time at={plan.NextPeriodicLaunch} />.
        </p>
      )}
      {Object.keys(failures).length > 0 ? (
        <Panel title="Would not be placed">
          <WhyNot failures={failures} />
        </Panel>
      ) : (
        updates.length > 0 && (
          <p className={css.fits} data-tone="good">
            <Icons.good size={16} /> All allocations can be placed.
          </p>
        )
      )}
      {preempted.length > 0 && (
        <Panel title="Would be preempted" note={count(preempted.length, 'allocation')}>
          <AllocTable allocs={preempted} label="Preempted allocations" param="preempted" />
        </Panel>
      )}
      {plan.Diff && (
        <Panel title={isNew ? 'The new job' : 'Differences'}>
          <JobDiffView diff={plan.Diff} />
        </Panel>
      )}
    </Stack>
  );
}
