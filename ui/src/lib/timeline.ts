// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, TaskEvent } from '../api/types.gen';

/** One thing that happened to a task. */
export interface Happening {
  at: number;
  allocID: string;
  task: string;
  type: string;
  text: string;
  tone: 'good' | 'bad' | 'warn' | 'busy' | 'idle';
}

const bad = new Set(['Alloc Unhealthy', 'Driver Failure', 'Failed Validation', 'Not Restarting', 'Setup Failure', 'Failed Artifact Download', 'Template Failed', 'Restarting Failed', 'Killed Because Leader Failed']);
const warn = new Set(['Restarting', 'Killing', 'Sibling Task Failed', 'Disk Exceeded', 'Reconnected', 'Signaling']);

/** How grave an event is. */
export function toneOf(e: TaskEvent): Happening['tone'] {
  if (e.FailsTask || bad.has(e.Type)) return 'bad';
  if (e.Type === 'Terminated') return e.ExitCode === 0 && e.Signal === 0 ? 'idle' : 'bad';
  if (warn.has(e.Type)) return 'warn';
  if (e.Type === 'Started') return 'good';
  if (e.Type === 'Killed') return 'idle';
  return 'busy';
}

/** The events of all tasks of some allocations, newest first. */
export function happenings(allocs: Pick<AllocListStub, 'ID' | 'TaskStates'>[]): Happening[] {
  const all: Happening[] = [];
  for (const a of allocs) {
    for (const [task, state] of Object.entries(a.TaskStates ?? {})) {
      for (const e of state.Events ?? []) all.push({ at: e.Time, allocID: a.ID, task, type: e.Type, text: e.DisplayMessage || e.Message, tone: toneOf(e) });
    }
  }
  return all.sort((x, y) => y.at - x.at);
}
