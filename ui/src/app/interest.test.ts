// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { concerns } from './interest';

const alloc = { Topic: 'Allocation', Key: 'a1', FilterKeys: ['web', 'd1'], NodeID: 'n1' };

test.each([
  ['Alloc.List', {}, true],
  ['Alloc.Get', { AllocID: 'a1' }, true],
  ['Alloc.Get', { AllocID: 'a2' }, false],
  ['Job.Allocations', { JobID: 'web' }, true],
  ['Job.Allocations', { JobID: 'db' }, false],
  ['Job.Get', { JobID: 'web' }, false],
  ['Job.List', {}, true],
  ['Node.List', {}, false],
  ['Node.Allocations', { NodeID: 'n1' }, true],
  ['Node.Allocations', { NodeID: 'n2' }, false],
  ['Eval.List', {}, false],
  ['Client.Stats', { NodeID: 'n1' }, false],
  ['Deployment.Get', { DeploymentID: 'd1' }, true],
])('an allocation concerns %s %j: %s', (name, params, want) => {
  expect(concerns(name, params, alloc)).toBe(want);
});
