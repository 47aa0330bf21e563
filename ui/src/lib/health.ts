// SPDX-License-Identifier: MPL-2.0
import type { JobStatus } from '../api/types.gen';
import type { Tone } from './status';

/** How a job's allocations stand against what the job wants. */
export interface Health {
  /** How many are as they should be. */
  good: number;
  /** How many there should be; undefined when every eligible client gets one. */
  wanted: number | undefined;
  parts: { label: string; value: number; tone: Tone; missing?: boolean }[];
}

/** The health of each group of a job, by name. */
export function healthOfGroups(s: JobStatus): [group: string, health: Health][] {
  return Object.entries(s.GroupCounts ?? {}).map(([name, wanted]) => [name, healthOf({ ...s, GroupCountSum: wanted, Allocs: (s.Allocs ?? []).filter((a) => a.Group === name) })]);
}

/** The health of a job; what ended is counted where ending is the aim, and failures where nothing took their place. */
export function healthOf(s: JobStatus): Health {
  const batch = s.Type === 'batch' || s.Type === 'sysbatch';
  const wanted = s.Type === 'system' || s.Type === 'sysbatch' ? undefined : s.Stop ? 0 : s.GroupCountSum;
  const n = { canary: 0, healthy: 0, unhealthy: 0, running: 0, starting: 0, unknown: 0, complete: 0, failed: 0, lost: 0 };
  for (const a of s.Allocs ?? []) {
    const judged = a.DeploymentStatus?.Healthy;
    if (a.ClientStatus === 'running' && a.DeploymentStatus?.Canary && s.LatestDeployment?.RequiresPromotion && a.JobVersion === s.LatestDeployment.JobVersion) {
      // It comes on top of what is wanted until it is promoted.
      n.canary++;
    } else if (a.ClientStatus === 'running') {
      // Without a deployment nobody judges health: a running allocation is as good as it gets.
      if (judged || !a.DeploymentStatus || !s.LatestDeployment) n.healthy++;
      else if (judged === false) n.unhealthy++;
      else n.running++;
    } else if (a.ClientStatus === 'pending') n.starting++;
    else if (a.ClientStatus === 'unknown') n.unknown++;
    else if (a.ClientStatus === 'complete') n.complete += batch ? 1 : 0;
    // An older version's failure says nothing of what is wanted now.
    else if (a.JobVersion === s.Version && a.ClientStatus === 'failed') n.failed++;
    else if (a.JobVersion === s.Version && a.ClientStatus === 'lost') n.lost++;
  }
  const good = n.healthy + n.complete;
  const missing = Math.max(0, (wanted ?? 0) - good - n.running - n.unhealthy - n.starting - n.unknown);
  const room = wanted === undefined ? Infinity : missing;
  const failed = Math.min(n.failed, room);
  const lost = Math.min(n.lost, room - failed);
  return {
    good,
    wanted,
    parts: [
      { label: batch ? 'running' : 'healthy', value: n.healthy, tone: 'good' },
      { label: 'canary', value: n.canary, tone: 'busy' },
      { label: 'complete', value: n.complete, tone: 'idle' },
      { label: 'not healthy yet', value: n.running, tone: 'busy' },
      { label: 'starting', value: n.starting, tone: 'busy' },
      { label: 'unhealthy', value: n.unhealthy, tone: 'bad' },
      { label: 'unknown', value: n.unknown, tone: 'warn' },
      { label: 'failed', value: failed, tone: 'bad' },
      { label: 'lost', value: lost, tone: 'bad', missing: true },
      { label: 'not placed', value: wanted === undefined ? 0 : missing - failed - lost, tone: 'warn', missing: true },
    ],
  };
}
