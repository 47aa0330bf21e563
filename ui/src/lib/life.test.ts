// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { Allocation } from '../api/types.gen';
import { steps } from './life';
import type { Tone } from './status';

/** An allocation whose task has events a second apart, "Type" or "Type: text" each. */
function alloc(...events: string[]): Allocation {
  const at = (i: number) => (1_000_000 + (i + 1) * 1000) * 1e6;
  return {
    ID: 'a',
    NodeName: 'n1',
    CreateTime: 1_000_000 * 1e6,
    TaskStates: { main: { Events: events.map((e, i) => ({ Type: e.split(': ')[0], DisplayMessage: e.split(': ')[1] ?? '', Time: at(i) })) } },
  } as unknown as Allocation;
}

const tones = (events: { Type: string }[]) => events.map((e): Tone => (e.Type === 'Terminated' ? 'bad' : e.Type === 'Started' ? 'good' : 'busy'));
const told = (a: Allocation) => steps(a, tones).map((s) => `${s.title}${s.times > 1 ? ` × ${s.times}` : ''}`);

test('a life is told from its placement on', () => {
  expect(steps(alloc('Received', 'Task Setup', 'Started'), tones).map((s) => [s.title, s.after])).toEqual([
    ['Placed', undefined],
    ['Received', 1000],
    ['Task Setup', 1000],
    ['Started', 1000],
  ]);
});

test('the same again is one step, another text is not the same', () => {
  expect(told(alloc('Received', 'Signaling: HUP', 'Signaling: HUP', 'Signaling: INT'))).toEqual(['Placed', 'Received', 'Signaling × 2', 'Signaling']);
});

test('rounds of restarts are one step, which has each of them', () => {
  const a = alloc('Received', 'Started', 'Terminated: Exit Code: 1', 'Restarting: in 1s', 'Started', 'Terminated: Exit Code: 2', 'Restarting: in 2s', 'Started', 'Terminated: Exit Code: 3', 'Not Restarting');
  expect(told(a)).toEqual(['Placed', 'Received', 'Started, Terminated, Restarting × 2', 'Started', 'Terminated', 'Not Restarting']);
  const round = steps(a, tones)[2]!;
  expect(round).toMatchObject({ tone: 'bad', text: 'Exit Code', after: 1000, until: 1_007_000 });
  expect(round.rounds).toHaveLength(6);
  // The next step is counted from the end of the rounds.
  expect(steps(a, tones)[3]!.after).toBe(1000);
});

test('what comes only once is no round', () => {
  expect(told(alloc('Received', 'Started', 'Terminated', 'Restarting', 'Started'))).toEqual(['Placed', 'Received', 'Started', 'Terminated', 'Restarting', 'Started']);
});

test('a task that has forgotten its beginning says so', () => {
  expect(told(alloc('Started', 'Terminated', 'Restarting', 'Started', 'Terminated', 'Restarting'))).toEqual(['Placed', 'Before that', 'Started, Terminated, Restarting × 2']);
});

test('an allocation without tasks, and one that was judged', () => {
  expect(steps({ ID: 'a' } as Allocation, tones)).toEqual([]);
  const judged = { ...alloc('Received', 'Started'), DeploymentStatus: { Healthy: true, Timestamp: new Date(1_010_000).toISOString() } } as unknown as Allocation;
  expect(told(judged).at(-1)).toBe('Healthy');
});
