// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, Deployment, Job } from '../api/types.gen';

/** How a group stands against what it should be. */
export interface GroupState {
  name: string;
  /** How many there should be; undefined when every eligible node gets one. */
  desired: number | undefined;
  /** Whether a deployment judges the health of its allocations; where none does there is only running. */
  judged: boolean;
  /** All that run, but canaries. Each is healthy, unhealthy or not judged yet. */
  running: number;
  healthy: number;
  unhealthy: number;
  starting: number;
  /** Running canaries that wait to be promoted; they come on top of what is desired. */
  canary: number;
  failed: number;
  lost: number;
  unknown: number;
  complete: number;
  /** How many of the desired ones are not there. */
  missing: number;
  /** Living allocations by job version, newest first. */
  versions: [version: number, allocs: number][];
}

/** The state of each group of a job; the newest deployment, if there is one, decides on health. Failed and lost count only where nothing has taken their place. */
export function groupStates(job: Pick<Job, 'Type' | 'Stop' | 'TaskGroups'>, allocs: AllocListStub[], deployment: Pick<Deployment, 'JobVersion' | 'Status' | 'TaskGroups'> | null | undefined): GroupState[] {
  return (job.TaskGroups ?? []).map((g) => {
    const everywhere = job.Type === 'system' || job.Type === 'sysbatch';
    const judged = !!deployment;
    const rollout = deployment?.TaskGroups?.[g.Name];
    const over = !rollout || deployment?.Status === 'successful' || deployment?.Status === 'cancelled';
    const promoted = !rollout || rollout.DesiredCanaries === 0 || rollout.Promoted;
    const mine = allocs.filter((a) => a.TaskGroup === g.Name);
    const s: GroupState = { name: g.Name, desired: everywhere ? undefined : job.Stop ? 0 : (g.Count ?? 1), judged, running: 0, healthy: 0, unhealthy: 0, starting: 0, canary: 0, failed: 0, lost: 0, unknown: 0, complete: 0, missing: 0, versions: [] };
    const versions = new Map<number, number>();
    for (const a of mine) {
      const living = a.ClientStatus === 'running' || a.ClientStatus === 'pending' || a.ClientStatus === 'unknown';
      if (living && a.DesiredStatus === 'run') versions.set(a.JobVersion, (versions.get(a.JobVersion) ?? 0) + 1);
      if (!promoted && a.DeploymentStatus?.Canary && a.JobVersion === deployment?.JobVersion && a.ClientStatus === 'running' && a.DesiredStatus === 'run') {
        s.canary++;
      } else if (a.ClientStatus === 'running' && a.DesiredStatus === 'run') {
        s.running++;
        // Where no deployment judges health, or no longer, a running allocation is as good as it gets.
        const healthy = a.DeploymentStatus?.Healthy ?? null;
        if (healthy === false) s.unhealthy++;
        else if (healthy || !judged || (!a.DeploymentStatus && (over || a.JobVersion !== deployment.JobVersion))) s.healthy++;
      } else if (a.ClientStatus === 'pending' && a.DesiredStatus === 'run') s.starting++;
      else if (a.ClientStatus === 'unknown') s.unknown++;
      else if (a.ClientStatus === 'complete') s.complete++;
      else if (a.ClientStatus === 'failed' && !a.NextAllocation) s.failed++;
      else if (a.ClientStatus === 'lost' && !a.NextAllocation) s.lost++;
    }
    const there = s.running + s.starting + s.unknown + (job.Type === 'batch' ? s.complete : 0);
    s.missing = Math.max(0, (s.desired ?? 0) - there);
    s.versions = [...versions].sort((x, y) => y[0] - x[0]);
    return s;
  });
}

/** How many of a group are there, in one line; the healthy ones are a part of those that run. */
export function groupText(g: GroupState, type: string): string {
  if (type === 'batch') return g.desired === 0 ? `${g.running} running, none wanted` : `${g.running + g.complete} of ${g.desired} done or running`;
  const healthy = g.judged && g.running > 0 ? `, ${g.healthy} healthy` : '';
  if (g.desired === undefined) return type === 'sysbatch' ? `one on every eligible client, ${g.running + g.complete} done or running` : `one on every eligible client, ${g.running} running${healthy}`;
  return g.desired === 0 ? `${g.running} running, none wanted` : `${g.running} of ${g.desired} running${healthy}`;
}
