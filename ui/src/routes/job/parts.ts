// SPDX-License-Identifier: MPL-2.0
import type { Part } from '../../components/bar';
import type { Counts } from '../../lib/status';

/** The parts of a job's bar. What ended counts only where ending is the aim. */
export function partsOf(c: Counts, type: string): Part[] {
  const batch = type === 'batch' || type === 'sysbatch';
  return [
    { label: 'running', value: c.running, tone: 'good' },
    { label: 'starting', value: c.starting, tone: 'busy' },
    { label: 'not placed', value: c.queued, tone: 'warn', missing: true },
    { label: 'unknown', value: c.unknown, tone: 'warn' },
    { label: 'complete', value: batch ? c.complete : 0, tone: 'idle' },
    { label: 'failed', value: batch || c.running + c.starting === 0 ? c.failed : 0, tone: 'bad' },
    { label: 'lost', value: batch || c.running + c.starting === 0 ? c.lost : 0, tone: 'bad' },
  ];
}
