// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { AllocListStub, Deployment, Job } from '../api/types.gen';
import { groupStates, groupText } from './groups';

const alloc = (a: Partial<AllocListStub>) => ({ TaskGroup: 'web', ClientStatus: 'running', DesiredStatus: 'run', JobVersion: 1, NextAllocation: '', ...a }) as AllocListStub;
const job = (type: string, count: number, stop = false) => ({ Type: type, Stop: stop, TaskGroups: [{ Name: 'web', Count: count }] }) as unknown as Job;

test('what is there and what is missing', () => {
  const [s] = groupStates(job('service', 5), [
    alloc({}),
    alloc({ JobVersion: 0, DeploymentStatus: { Healthy: true } as AllocListStub['DeploymentStatus'] }),
    alloc({ DeploymentStatus: { Healthy: null } as AllocListStub['DeploymentStatus'] }),
    alloc({ DeploymentStatus: { Healthy: false } as AllocListStub['DeploymentStatus'] }),
    alloc({ ClientStatus: 'pending' }),
    alloc({ ClientStatus: 'failed', NextAllocation: 'x' }),
    alloc({ ClientStatus: 'failed' }),
    alloc({ ClientStatus: 'running', DesiredStatus: 'stop' }),
    alloc({ TaskGroup: 'other' }),
  ], { JobVersion: 1, Status: 'successful', TaskGroups: {} });
  expect(s).toMatchObject({ desired: 5, judged: true, running: 4, healthy: 2, unhealthy: 1, starting: 1, failed: 1, missing: 0, versions: [[1, 4], [0, 1]] });
});

test('system jobs have no number, stopped jobs want none, batch jobs count what is done', () => {
  expect(groupStates(job('system', 1), [alloc({})], { JobVersion: 1, Status: 'successful', TaskGroups: {} })[0]).toMatchObject({ desired: undefined, missing: 0, healthy: 1 });
  expect(groupStates(job('service', 3, true), [], { JobVersion: 1, Status: 'successful', TaskGroups: {} })[0]).toMatchObject({ desired: 0, missing: 0 });
  expect(groupStates(job('batch', 3), [alloc({ ClientStatus: 'complete' })], { JobVersion: 1, Status: 'successful', TaskGroups: {} })[0]).toMatchObject({ desired: 3, complete: 1, missing: 2 });
});

test('without a deployment what runs is well', () => {
  const open = alloc({ DeploymentStatus: { Healthy: null } as AllocListStub['DeploymentStatus'] });
  expect(groupStates(job('service', 1), [open], null)[0]).toMatchObject({ judged: false, healthy: 1, running: 1 });
});

test.each([
  ['service', 2, [alloc({ DeploymentStatus: { Healthy: true } as AllocListStub['DeploymentStatus'] }), alloc({ DeploymentStatus: { Healthy: null } as AllocListStub['DeploymentStatus'] })], true, '2 of 2 running, 1 healthy'],
  ['service', 2, [alloc({}), alloc({})], false, '2 of 2 running'],
  ['service', 2, [], true, '0 of 2 running'],
  ['service', 0, [], true, '0 running, none wanted'],
  ['batch', 3, [alloc({}), alloc({ ClientStatus: 'complete' })], false, '2 of 3 done or running'],
  ['system', 1, [alloc({})], false, 'one on every eligible client, 1 running'],
  ['sysbatch', 1, [alloc({ ClientStatus: 'complete' })], false, 'one on every eligible client, 1 done or running'],
])('a %s of %d in one line', (type, desired, allocs, judged, text) => {
  const [s] = groupStates(job(type, desired), allocs, judged ? { JobVersion: 1, Status: 'successful', TaskGroups: {} } : null);
  expect(groupText(s!, type)).toBe(text);
});

test.each([
  ['running', 1, 0],
  ['failed', 1, 0],
  ['successful', 1, 1],
  ['running', 2, 1],
])('under a deployment that is %s, what it has not judged', (Status, JobVersion, healthy) => {
  const TaskGroups = { web: { DesiredCanaries: 0 } } as unknown as NonNullable<Deployment['TaskGroups']>;
  expect(groupStates(job('service', 1), [alloc({ DeploymentStatus: null })], { JobVersion, Status, TaskGroups })[0]).toMatchObject({ running: 1, healthy, unhealthy: 0 });
});
