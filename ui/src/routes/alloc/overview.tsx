// SPDX-License-Identifier: MPL-2.0
import { ClientAllocStats } from '../../api/ops.gen';
import type { Allocation } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { Link } from '../../components/link';
import { Card, Facts, Panel } from '../../components/page';
import { Time } from '../../components/time';
import { bytes, mhz, short } from '../../lib/format';
import { remember, type Sample } from '../../lib/history';
import { href } from '../../lib/href';
import css from './alloc.module.css';
import { Checks } from './checks';
import { Ports } from './ports';
import { Resources } from './resources';
import { Tasks } from './tasks';
import { Life } from './timeline';

/** What an allocation is, does and did. */
export function Overview({ alloc }: { alloc: Allocation }) {
  const samples = useSamples(alloc);
  const running = alloc.ClientStatus === 'running';
  return (
    <div className={css.columns} data-running={running}>
      <div className={css.tasks}>
        <Tasks alloc={alloc} samples={samples} />
      </div>
      {running && (
        <div className={css.main}>
          <Resources alloc={alloc} samples={samples} />
        </div>
      )}
      <div className={css.past}>
        <Life alloc={alloc} />
      </div>
      <div className={css.side}>
        <Ports alloc={alloc} />
        <Checks alloc={alloc} />
        <Panel title="About">
          <Card>
            <About alloc={alloc} />
          </Card>
        </Panel>
      </div>
    </div>
  );
}

/** The measured use, by task: "task/cpu" in MHz and "task/memory" in bytes, and their sums. */
function useSamples(alloc: Allocation): Sample[] {
  const { region } = useAmbient();
  const id = alloc.ID ?? '';
  const query = useOp(ClientAllocStats, { AllocID: id }, { namespace: alloc.Namespace, region, enabled: alloc.ClientStatus === 'running', every: 2000 });
  const data = query.data?.data;
  if (!data) return remember(id, undefined);
  const values: Record<string, number> = { cpu: 0, memory: 0 };
  for (const [task, use] of Object.entries(data.Tasks ?? {})) {
    const cpu = use.ResourceUsage?.CpuStats?.TotalTicks ?? 0;
    const m = use.ResourceUsage?.MemoryStats;
    const memory = m?.RSS || m?.Usage || 0;
    values[`${task}/cpu`] = cpu;
    values[`${task}/memory`] = memory;
    values.cpu! += cpu;
    values.memory! += memory;
  }
  return remember(id, { at: data.Timestamp / 1e6, values });
}

function About({ alloc }: { alloc: Allocation }) {
  const r = Object.values(alloc.AllocatedResources?.Tasks ?? {});
  const cpu = r.reduce((n, t) => n + t.Cpu.CpuShares, 0);
  const memory = r.reduce((n, t) => n + t.Memory.MemoryMB, 0);
  const other = (id: string | undefined) =>
    id ? (
      <Link to={href.alloc(id)} key={id}>
        {short(id)}
      </Link>
    ) : undefined;
  return (
    <Facts
      facts={[
        ['Created', <Time key="c" at={alloc.CreateTime} />],
        ['Modified', <Time key="m" at={alloc.ModifyTime} />],
        ['Job version', alloc.Job?.Version],
        ['Namespace', alloc.Namespace],
        ['Desired', [alloc.DesiredStatus, alloc.DesiredDescription].filter(Boolean).join(': ')],
        ['Health', alloc.DeploymentStatus ? (alloc.DeploymentStatus.Healthy === null ? 'not judged yet' : alloc.DeploymentStatus.Healthy ? 'healthy' : 'unhealthy') : undefined],
        ['Reserved', `${mhz(cpu)}, ${bytes(memory * 2 ** 20)}, ${bytes((alloc.AllocatedResources?.Shared.DiskMB ?? 0) * 2 ** 20)} disk`],
        ['Evaluation', alloc.EvalID && <Link key="e" to={href.evaluation(alloc.EvalID, alloc.Namespace)}>{short(alloc.EvalID)}</Link>],
        ['Replaces', other(alloc.PreviousAllocation)],
        ['Replaced by', other(alloc.NextAllocation)],
        ['Preempted by', other(alloc.PreemptedByAllocation)],
        ['Preempted', (alloc.PreemptedAllocations ?? []).length > 0 ? <span key="p" className={css.links}>{(alloc.PreemptedAllocations ?? []).map(other)}</span> : undefined],
        ['Next try', alloc.FollowupEvalID && <Link key="f" to={href.evaluation(alloc.FollowupEvalID, alloc.Namespace)}>{short(alloc.FollowupEvalID)}</Link>],
        ['Rescheduled', (alloc.RescheduleTracker?.Events ?? []).length || undefined],
      ]}
    />
  );
}
