// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { AllocListStub, Job } from '../api/types.gen';
import { groupStates } from './groups';

const alloc = (a: Partial<AllocListStub>) => ({ TaskGroup: 'web', ClientStatus: 'running', DesiredStatus: 'run', JobVersion: 1, NextAllocation: '', ...a }) as AllocListStub;
const job = (type: string, count: number, stop = false) => ({ Type: type, Stop: stop, TaskGroups: [{ Name: 'web', Count: count }] }) as unknown as Job;

test('what is there and what is missing', () => {
  const [s] = groupStates(job('service', 5), [
    alloc({}),
    alloc({ JobVersion: 0, DeploymentStatus: { Healthy: true } as AllocListStub['DeploymentStatus'] }),
    alloc({ DeploymentStatus: { Healthy: null } as AllocListStub['DeploymentStatus'] }),
    alloc({ ClientStatus: 'pending' }),
    alloc({ ClientStatus: 'failed', NextAllocation: 'x' }),
    alloc({ ClientStatus: 'failed' }),
    alloc({ ClientStatus: 'running', DesiredStatus: 'stop' }),
    alloc({ TaskGroup: 'other' }),
  ], { JobVersion: 1, TaskGroups: {} });
  expect(s).toMatchObject({ desired: 5, healthy: 2, running: 1, starting: 1, failed: 1, missing: 1, versions: [[1, 3], [0, 1]] });
});

test('system jobs have no number, stopped jobs want none, batch jobs count what is done', () => {
  expect(groupStates(job('system', 1), [alloc({})], { JobVersion: 1, TaskGroups: {} })[0]).toMatchObject({ desired: undefined, missing: 0, healthy: 1 });
  expect(groupStates(job('service', 3, true), [], { JobVersion: 1, TaskGroups: {} })[0]).toMatchObject({ desired: 0, missing: 0 });
  expect(groupStates(job('batch', 3), [alloc({ ClientStatus: 'complete' })], { JobVersion: 1, TaskGroups: {} })[0]).toMatchObject({ desired: 3, complete: 1, missing: 2 });
});

test('without a deployment what runs is well', () => {
  const open = alloc({ DeploymentStatus: { Healthy: null } as AllocListStub['DeploymentStatus'] });
  expect(groupStates(job('service', 1), [open], null)[0]).toMatchObject({ healthy: 1, running: 0 });
});
