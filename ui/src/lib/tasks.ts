// SPDX-License-Identifier: MPL-2.0
import type { Allocation, Task, TaskState } from '../api/types.gen';
import type { Status } from './status';

/** A task of an allocation: what it should be and what it is. */
export interface TaskView {
  name: string;
  /** Its definition; the group may have changed since. */
  task: Task | undefined;
  state: TaskState | undefined;
  /** When in the allocation's life it runs, in words. */
  role: string;
  /** Order of running. */
  order: number;
}

/** When a task runs, in words, and where that is in the order. */
export function roleOf(task: Task | undefined): [role: string, order: number] {
  const l = task?.Lifecycle;
  if (!l?.Hook) return ['main', 2];
  switch (l.Hook) {
    case 'prestart':
      return [l.Sidecar ? 'sidecar, starts first' : 'runs first', l.Sidecar ? 1 : 0];
    case 'poststart':
      return [l.Sidecar ? 'sidecar, starts after main' : 'runs after main started', 3];
    case 'poststop':
      return ['runs after main ended', 4];
  }
  return [l.Hook, 5];
}

/** The tasks of an allocation in the order in which they run. */
export function tasksOf(alloc: Allocation): TaskView[] {
  const group = alloc.Job?.TaskGroups?.find((g) => g.Name === alloc.TaskGroup);
  const names = new Set([...(group?.Tasks ?? []).map((t) => t.Name), ...Object.keys(alloc.TaskStates ?? {})]);
  return [...names]
    .map((name): TaskView => {
      const task = group?.Tasks?.find((t) => t.Name === name);
      const [role, order] = roleOf(task);
      return { name, task, state: alloc.TaskStates?.[name], role, order };
    })
    .sort((a, b) => a.order - b.order);
}

/** The state of a task; dead is either done or failed. */
export function taskStatus(t: TaskView): Status {
  const s = t.state;
  if (!s) return { tone: 'idle', text: 'waiting' };
  if (s.State === 'dead') {
    if (s.Failed) return { tone: 'bad', text: 'failed' };
    return { tone: 'idle', text: s.StartedAt ? 'done' : 'not started' };
  }
  if (s.State === 'running') return { tone: 'good', text: 'running' };
  return { tone: 'busy', text: s.State || 'pending' };
}
