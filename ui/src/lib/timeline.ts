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

/** How grave each of a task's events is, which are in the order of time: what ends because it was told to is no failure. */
export function tonesOf(events: TaskEvent[]): Happening['tone'][] {
  let told = false;
  return events.map((e) => {
    if (e.Type === 'Killing' || e.Type === 'Restart Signaled') told = true;
    if (e.Type === 'Started') told = false;
    return told && e.Type === 'Terminated' && !e.FailsTask ? 'idle' : toneOf(e);
  });
}

/** The events of all tasks of some allocations, newest first. */
export function happenings(allocs: Pick<AllocListStub, 'ID' | 'TaskStates'>[]): Happening[] {
  const all: Happening[] = [];
  for (const a of allocs) {
    for (const [task, state] of Object.entries(a.TaskStates ?? {})) {
      const events = state.Events ?? [];
      const tones = tonesOf(events);
      events.forEach((e, i) => all.push({ at: e.Time, allocID: a.ID, task, type: e.Type, text: e.DisplayMessage || e.Message, tone: tones[i]! }));
    }
  }
  return all.sort((x, y) => y.at - x.at);
}
