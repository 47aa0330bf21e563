// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { Allocation } from '../api/types.gen';
import { tasksOf, taskStatus } from './tasks';

const alloc = {
  ID: 'a',
  NodeName: 'n1',
  TaskGroup: 'g',
  CreateTime: 1_000_000_000_000_000,
  Job: {
    TaskGroups: [
      {
        Name: 'g',
        Tasks: [
          { Name: 'after', Lifecycle: { Hook: 'poststop', Sidecar: false } },
          { Name: 'main', Lifecycle: null },
          { Name: 'side', Lifecycle: { Hook: 'prestart', Sidecar: true } },
          { Name: 'init', Lifecycle: { Hook: 'prestart', Sidecar: false } },
        ],
      },
    ],
  },
  TaskStates: {
    main: {
      State: 'running',
      Events: [
        { Type: 'Received', Time: 1_000_000_500_000_000, DisplayMessage: 'got it' },
        { Type: 'Restarting', Time: 1_000_001_000_000_000, DisplayMessage: 'again' },
        { Type: 'Restarting', Time: 1_000_002_000_000_000, DisplayMessage: 'again' },
      ],
    },
    init: { State: 'dead', Failed: false, StartedAt: '2026-01-01T00:00:00Z', Events: null },
  },
} as unknown as Allocation;

test('tasks come in the order in which they run', () => {
  const views = tasksOf(alloc);
  expect(views.map((v) => v.name)).toEqual(['init', 'side', 'main', 'after']);
  expect(views.map((v) => taskStatus(v).text)).toEqual(['done', 'waiting', 'running', 'waiting']);
});
