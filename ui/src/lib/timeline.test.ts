// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { TaskEvent } from '../api/types.gen';
import { tonesOf } from './timeline';

const event = (Type: string, of: Partial<TaskEvent> = {}) => ({ Type, ExitCode: 0, Signal: 0, FailsTask: false, ...of }) as TaskEvent;

test('a task that ends because it was told to has not failed, and one that ends by itself has', () => {
  const ended = event('Terminated', { ExitCode: 143 });
  expect(tonesOf([event('Started'), ended, event('Restarting'), event('Started'), event('Killing'), ended, event('Killed')])).toEqual(['good', 'bad', 'warn', 'good', 'warn', 'idle', 'idle']);
  expect(tonesOf([event('Restart Signaled'), ended, event('Started'), ended])).toEqual(['busy', 'idle', 'good', 'bad']);
  expect(tonesOf([event('Killing'), event('Terminated', { ExitCode: 1, FailsTask: true })])).toEqual(['warn', 'bad']);
});
