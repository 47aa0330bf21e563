// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { JobStatus, JobStatusAlloc } from '../api/types.gen';
import { healthOf, healthOfGroups } from './health';

const alloc = (ClientStatus: string, healthy?: boolean | null, JobVersion = 1) =>
  ({ ClientStatus, JobVersion, DeploymentStatus: healthy === undefined ? null : { Canary: false, Healthy: healthy } }) as JobStatusAlloc;
const job = (Type: string, GroupCountSum: number, Allocs: JobStatusAlloc[], Stop = false) => ({ Type, GroupCountSum, Allocs, Stop, Version: 1, LatestDeployment: { ID: 'd' } }) as JobStatus;
const shown = (s: JobStatus) => {
  const h = healthOf(s);
  return [h.good, h.wanted, Object.fromEntries(h.parts.filter((p) => p.value > 0).map((p) => [p.label, p.value]))];
};

test('a service counts what is healthy', () => {
  const allocs = [alloc('running', true), alloc('running'), alloc('running', false), alloc('running', null), alloc('pending'), alloc('complete', true, 0), alloc('failed', false, 0), alloc('failed', false)];
  expect(shown(job('service', 7, allocs))).toEqual([2, 7, { healthy: 2, 'not healthy yet': 1, unhealthy: 1, starting: 1, failed: 1, 'not placed': 1 }]);
});

test('what was replaced is not counted', () => {
  expect(shown(job('service', 1, [alloc('running', true), alloc('failed', false)]))).toEqual([1, 1, { healthy: 1 }]);
});

test('a batch job counts what is done, a system job wants no number, a stopped job nothing', () => {
  expect(shown(job('batch', 3, [alloc('complete'), alloc('running')]))).toEqual([2, 3, { running: 1, complete: 1, 'not placed': 1 }]);
  expect(shown(job('system', 1, [alloc('running'), alloc('failed')]))).toEqual([1, undefined, { healthy: 1, failed: 1 }]);
  expect(shown(job('service', 2, [alloc('complete')], true))).toEqual([0, 0, {}]);
});

test('a canary comes on top', () => {
  const on = alloc('running', true, 2);
  on.DeploymentStatus = { Canary: true, Healthy: true };
  const s = job('service', 1, [alloc('running', true), on]);
  s.LatestDeployment = { JobVersion: 2, RequiresPromotion: true } as JobStatus['LatestDeployment'];
  expect(shown(s)).toEqual([1, 1, { healthy: 1, canary: 1 }]);
});

test('each group has its own health', () => {
  const s = job('service', 3, [{ ...alloc('running', true), Group: 'web' }, { ...alloc('failed', false), Group: 'db' }]);
  s.GroupCounts = { db: 1, web: 2 };
  expect(healthOfGroups(s).map(([name, h]) => [name, h.good, h.wanted])).toEqual([
    ['db', 0, 1],
    ['web', 1, 2],
  ]);
});
