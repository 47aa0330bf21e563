// SPDX-License-Identifier: MPL-2.0
import type { Allocation, TaskEvent } from '../api/types.gen';
import { millis } from './format';
import type { Tone } from './status';

/** One thing that happened in an allocation's life. */
export interface Moment {
  /** Milliseconds. */
  at: number;
  title: string;
  task: string;
  text: string;
  tone: Tone;
}

/** One step of an allocation's life: something that happened, or what happened again and again. */
export interface Step extends Moment {
  /** Milliseconds since the step before it, undefined for the first. */
  after: number | undefined;
  /** How often it followed in a row. */
  times: number;
  /** When it happened last, in milliseconds. */
  until: number;
  /** All that happened, where the step stands for a round of several things. */
  rounds: Moment[];
}

/** What a step is called that stands for events that are no longer kept. */
export const forgotten = 'Before that';

/** An allocation's life from its placement on, oldest first; what repeats itself is one step. */
export function steps(alloc: Allocation, tonesOf: (events: TaskEvent[]) => Tone[]): Step[] {
  const out: Omit<Step, 'after'>[] = [];
  const placed = millis(alloc.CreateTime);
  if (placed) out.push(once({ at: placed, title: 'Placed', task: '', text: `on ${alloc.NodeName || alloc.NodeID}`, tone: 'busy' }));
  for (const [task, s] of Object.entries(alloc.TaskStates ?? {})) {
    const told = [...(s.Events ?? [])].sort((a, b) => a.Time - b.Time);
    const tones = tonesOf(told);
    const events = told.map((e, i): Moment => ({ at: e.Time / 1e6, title: e.Type, task, text: e.DisplayMessage || e.Message, tone: tones[i]! }));
    if (events[0] && events.length > 1 && events[0].title !== 'Received') out.push(once({ at: events[0].at, title: forgotten, task, text: `Only the last ${events.length} events of a task are kept`, tone: 'idle' }));
    out.push(...grouped(events));
  }
  const judged = millis(alloc.DeploymentStatus?.Timestamp);
  if (judged && alloc.DeploymentStatus?.Healthy !== null && alloc.DeploymentStatus?.Healthy !== undefined) {
    out.push(once(alloc.DeploymentStatus.Healthy ? { at: judged, title: 'Healthy', task: '', text: 'The deployment counts it as healthy', tone: 'good' } : { at: judged, title: 'Unhealthy', task: '', text: 'The deployment counts it as unhealthy', tone: 'bad' }));
  }
  out.sort((a, b) => a.at - b.at);
  return out.map((s, i) => ({ ...s, after: i === 0 ? undefined : s.at - out[i - 1]!.until }));
}

function once(m: Moment): Omit<Step, 'after'> {
  return { ...m, times: 1, until: m.at, rounds: [] };
}

/** The most things that a round is made of: terminated, restarting, downloading, started. */
const longestRound = 4;

/** Joins what repeats itself: the same again, and rounds of the same things whatever they say. */
function grouped(events: Moment[]): Omit<Step, 'after'>[] {
  const out: Omit<Step, 'after'>[] = [];
  for (let i = 0; i < events.length; ) {
    let best = { size: 1, times: 1 };
    for (let size = 1; size <= longestRound; size++) {
      let times = 1;
      while (repeats(events, i, size, times)) times++;
      if (times > 1 && size * times > best.size * best.times) best = { size, times };
    }
    const all = events.slice(i, i + best.size * best.times);
    const round = all.slice(0, best.size);
    const last = all[all.length - 1]!;
    out.push({
      ...round[0]!,
      title: round.map((m) => m.title).join(', '),
      text: best.size === 1 ? last.text : (all.filter((m) => m.tone === 'bad').at(-1) ?? last).text,
      tone: best.size === 1 ? last.tone : worst(round),
      times: best.times,
      until: last.at,
      rounds: best.size === 1 ? [] : all,
    });
    i += all.length;
  }
  return out;
}

/** Whether the round of some size that begins at an event comes once more after so many times. */
function repeats(events: Moment[], at: number, size: number, times: number): boolean {
  for (let k = 0; k < size; k++) {
    const a = events[at + k];
    const b = events[at + times * size + k];
    if (!a || !b || a.title !== b.title || (size === 1 && a.text !== b.text)) return false;
  }
  return true;
}

const graveness: Tone[] = ['idle', 'good', 'busy', 'warn', 'bad'];

function worst(moments: Moment[]): Tone {
  return moments.reduce<Tone>((t, m) => (graveness.indexOf(m.tone) > graveness.indexOf(t) ? m.tone : t), 'idle');
}
