// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, Evaluation, JobListStub, NodeListStub } from '../api/types.gen';

/** What a state means for the operator; each has its colour and icon. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle';

/** A state as it is shown. */
export interface Status {
  tone: Tone;
  text: string;
}

const tones: Record<string, Tone> = {
  running: 'good',
  ready: 'good',
  healthy: 'good',
  successful: 'good',
  alive: 'good',
  success: 'good',
  eligible: 'good',
  pending: 'busy',
  initializing: 'busy',
  'in progress': 'busy',
  starting: 'busy',
  paused: 'warn',
  blocked: 'warn',
  degraded: 'warn',
  lost: 'bad',
  unknown: 'warn',
  draining: 'warn',
  ineligible: 'warn',
  leaving: 'warn',
  disconnected: 'warn',
  failed: 'bad',
  failure: 'bad',
  unhealthy: 'bad',
  down: 'bad',
  dead: 'idle',
  complete: 'idle',
  stopped: 'idle',
  left: 'idle',
  canceled: 'idle',
  cancelled: 'idle',
};

/** The state with the name. */
export function statusOf(text: string | undefined): Status {
  const name = text || 'unknown';
  return { tone: tones[name] ?? 'idle', text: name };
}

/** What a job's allocations are doing, from the summary. */
export interface Counts {
  queued: number;
  starting: number;
  running: number;
  complete: number;
  failed: number;
  lost: number;
  unknown: number;
}

/** The sum over all groups of a job. */
export function countsOf(job: Pick<JobListStub, 'JobSummary'>): Counts {
  const sum: Counts = { queued: 0, starting: 0, running: 0, complete: 0, failed: 0, lost: 0, unknown: 0 };
  for (const g of Object.values(job.JobSummary?.Summary ?? {})) {
    sum.queued += g.Queued;
    sum.starting += g.Starting;
    sum.running += g.Running;
    sum.complete += g.Complete;
    sum.failed += g.Failed;
    sum.lost += g.Lost;
    sum.unknown += g.Unknown;
  }
  return sum;
}

/** The state of a job in the words of an operator: a job that wants more than it has is not just running. */
export function jobStatus(job: Pick<JobListStub, 'Status' | 'Stop' | 'Type' | 'Periodic' | 'ParameterizedJob' | 'JobSummary'>): Status {
  if (job.Status === 'dead') {
    if (job.Stop) return { tone: 'idle', text: 'stopped' };
    const c = countsOf(job);
    if (c.failed > 0 && c.complete === 0) return { tone: 'bad', text: 'failed' };
    return { tone: 'idle', text: job.Type === 'batch' || job.Type === 'sysbatch' ? 'complete' : 'dead' };
  }
  if (job.Periodic) return { tone: 'good', text: 'periodic' };
  if (job.ParameterizedJob) return { tone: 'good', text: 'parameterized' };
  const c = countsOf(job);
  if (job.Status === 'pending' || c.running === 0) {
    if (c.queued > 0) return { tone: 'warn', text: 'not placed' };
    if (c.starting > 0) return { tone: 'busy', text: 'starting' };
    if (c.failed > 0) return { tone: 'bad', text: 'failing' };
    return statusOf(job.Status);
  }
  if (c.queued > 0) return { tone: 'warn', text: 'partly placed' };
  if (c.starting > 0) return { tone: 'busy', text: 'starting' };
  return { tone: 'good', text: 'running' };
}

/** The state of an allocation: what the client says, unless it is on its way out. */
export function allocStatus(a: Pick<AllocListStub, 'ClientStatus' | 'DesiredStatus' | 'DeploymentStatus'>): Status {
  if (a.ClientStatus === 'running' && a.DesiredStatus !== 'run') return { tone: 'busy', text: 'stopping' };
  if (a.ClientStatus === 'running' && a.DeploymentStatus?.Healthy === false) return { tone: 'bad', text: 'unhealthy' };
  return statusOf(a.ClientStatus);
}

/** Whether an allocation will not run again. */
export function ended(a: Pick<AllocListStub, 'ClientStatus'>): boolean {
  return ['complete', 'failed', 'lost'].includes(a.ClientStatus ?? '');
}

/** The state of a node, with what keeps work away from it. */
export function nodeStatus(n: Pick<NodeListStub, 'Status' | 'SchedulingEligibility' | 'Drain'>): Status {
  if (n.Status !== 'ready') return statusOf(n.Status);
  if (n.Drain) return { tone: 'warn', text: 'draining' };
  if (n.SchedulingEligibility === 'ineligible') return { tone: 'warn', text: 'ineligible' };
  return statusOf('ready');
}

/** The state of an evaluation; complete with failures is not complete. */
export function evalStatus(e: Pick<Evaluation, 'Status' | 'FailedTGAllocs' | 'BlockedEval'>): Status {
  if (e.Status === 'complete' && Object.keys(e.FailedTGAllocs ?? {}).length > 0) return { tone: 'warn', text: 'not all placed' };
  return e.Status === 'complete' ? { tone: 'good', text: 'complete' } : statusOf(e.Status);
}
