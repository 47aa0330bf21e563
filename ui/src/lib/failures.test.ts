// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { AllocListStub, TaskEvent, TaskState } from '../api/types.gen';
import { failures } from './failures';

const event = (Type: string, DisplayMessage: string, Time: number, ExitCode = 0) => ({ Type, DisplayMessage, Time, ExitCode, Signal: 0 }) as TaskEvent;
const alloc = (ID: string, a: Partial<AllocListStub>) => ({ ID, TaskGroup: 'web', ClientStatus: 'failed', ClientDescription: 'Failed tasks', NextAllocation: '', JobVersion: 2, CreateTime: 1, ModifyTime: 9, ...a }) as AllocListStub;

test('the newest standing failure of each group, in the words of its events', () => {
  const state = {
    Failed: true,
    Events: [event('Started', 'Task started by client', 2), event('Terminated', 'Exit Code: 1', 3, 1), event('Restarting', 'Task restarting in 1s', 4), event('Terminated', 'Exit Code: 3', 5, 3), event('Not Restarting', 'Exceeded allowed attempts', 6)],
  } as unknown as TaskState;
  const found = failures(
    [
      alloc('old', { CreateTime: 1 }),
      alloc('new', { CreateTime: 4, TaskStates: { side: { Failed: false, Events: [] } as unknown as TaskState, main: state } }),
      alloc('replaced', { CreateTime: 5, NextAllocation: 'x' }),
      alloc('before', { TaskGroup: 'db', JobVersion: 1 }),
      alloc('plain', { TaskGroup: 'cache', ModifyTime: 3 }),
      alloc('well', { TaskGroup: 'ok', ClientStatus: 'running' }),
    ],
    2,
  );
  expect(found.map((f) => [f.alloc.ID, f.task, f.texts])).toEqual([
    ['new', 'main', ['Exit Code: 3', 'Exceeded allowed attempts']],
    ['plain', '', ['Failed tasks']],
  ]);
});
