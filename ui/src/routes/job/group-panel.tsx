// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, Deployment, Job } from '../../api/types.gen';
import { Bar } from '../../components/bar';
import { Card, Panel } from '../../components/page';
import { groupStates, groupText, type GroupState } from '../../lib/groups';
import css from './overview.module.css';
import { ScaleButton } from './scale';

/** All groups with their allocations by state. */
export function GroupPanel({ job, allocs, deployment }: { job: Job; allocs: AllocListStub[]; deployment: Deployment | null | undefined }) {
  const groups = groupStates(job, allocs, deployment);
  return (
    <Panel title="Groups">
      <Card>
        <div className={css.groups}>
          {groups.map((g) => (
            <Group key={g.name} job={job} group={g} />
          ))}
        </div>
      </Card>
    </Panel>
  );
}

function Group({ job, group: g }: { job: Job; group: GroupState }) {
  const batch = job.Type === 'batch' || job.Type === 'sysbatch';
  // No part is counted twice: those that run stand as healthy or not, where somebody judges that.
  const detail = [
    { label: g.judged ? 'healthy' : 'running', value: g.healthy, tone: 'good' as const },
    ...(g.judged ? [{ label: 'not healthy yet', value: g.running - g.healthy - g.unhealthy, tone: 'busy' as const }] : []),
    { label: 'unhealthy', value: g.unhealthy, tone: 'bad' as const, rare: true },
    { label: 'starting', value: g.starting, tone: 'idle' as const },
    { label: g.canary === 1 ? 'canary' : 'canaries', value: g.canary, tone: 'busy' as const, rare: true },
    ...(batch ? [{ label: 'complete', value: g.complete, tone: 'idle' as const }] : []),
    { label: 'unknown', value: g.unknown, tone: 'warn' as const, rare: true },
    { label: 'failed', value: g.failed, tone: 'bad' as const },
    { label: 'lost', value: g.lost, tone: 'bad' as const, missing: true },
    { label: 'not placed', value: Math.max(0, g.missing - g.failed - g.lost), tone: 'warn' as const, missing: true },
  ];
  return (
    <div className={css.group}>
      <div className={css.groupHead}>
        <strong>{g.name}</strong>
        <span className="dim">{groupText(g, job.Type)}</span>
        {g.desired !== undefined && !job.Stop && !batch && <ScaleButton job={job} group={g.name} />}
      </div>
      <Bar label={`Group ${g.name}`} parts={detail} legend />
      {(g.versions.length > 1 || (g.versions[0] && g.versions[0][0] !== job.Version)) && (
        <div className={css.versions}>
          {g.versions.map(([v, n]) => (
            <span key={v}>
              version {v}: <b>{n}</b>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
