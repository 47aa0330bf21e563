// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, TaskState } from '../api/types.gen';
import { toneOf } from './timeline';

/** An allocation that failed and that nothing has taken the place of, with what its task said. */
export interface Failed {
  alloc: Pick<AllocListStub, 'ID' | 'Name' | 'TaskGroup'>;
  /** The task that failed, empty when none did. */
  task: string;
  /** What happened, in the words of the events: "Exit Code: 3", "Exceeded allowed attempts". */
  texts: string[];
  /** Nanoseconds. */
  at: number;
}

type Stub = Pick<AllocListStub, 'ID' | 'Name' | 'TaskGroup' | 'ClientStatus' | 'ClientDescription' | 'NextAllocation' | 'JobVersion' | 'CreateTime' | 'ModifyTime' | 'TaskStates'>;

/** The newest failure of each group of a version that still stands, newest first. */
export function failures(allocs: Stub[], version: number): Failed[] {
  const newest = new Map<string, Stub>();
  for (const a of allocs) {
    if (a.ClientStatus !== 'failed' || a.NextAllocation || a.JobVersion !== version) continue;
    const known = newest.get(a.TaskGroup);
    if (!known || a.CreateTime > known.CreateTime) newest.set(a.TaskGroup, a);
  }
  return [...newest.values()].map(describe).sort((x, y) => y.at - x.at);
}

function describe(a: Stub): Failed {
  const [task, state] = Object.entries(a.TaskStates ?? {}).find(([, s]) => s.Failed) ?? ['', undefined];
  const told = state ? grave(state) : [];
  return { alloc: a, task, texts: told.length > 0 ? told.map((e) => e.text) : [a.ClientDescription].filter(Boolean), at: told[0]?.at ?? a.ModifyTime };
}

/** The last word of each kind of grave event, oldest first. */
function grave(s: TaskState): { at: number; text: string }[] {
  const last = new Map<string, { at: number; text: string }>();
  for (const e of s.Events ?? []) {
    const text = e.DisplayMessage || e.Message;
    if (toneOf(e) !== 'bad' || !text) continue;
    last.delete(e.Type);
    last.set(e.Type, { at: e.Time, text });
  }
  return [...last.values()];
}
