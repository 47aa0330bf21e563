// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { AllocListStub, NodeListStub } from '../api/types.gen';
import { byNode, capacity, grouped, total } from './usage';

const alloc = (NodeID: string, ClientStatus: string, cpu: number, memory: number) =>
  ({ NodeID, ClientStatus, AllocatedResources: { Tasks: { t: { Cpu: { CpuShares: cpu }, Memory: { MemoryMB: memory } } }, Shared: { DiskMB: 10 } } }) as unknown as AllocListStub;
const node = (Name: string, Datacenter: string, NodeClass = '') => ({ Name, Datacenter, NodeClass, NodePool: 'default' }) as NodeListStub;

test('what runs takes room', () => {
  const nodes = byNode([alloc('a', 'running', 100, 64), alloc('a', 'pending', 50, 32), alloc('a', 'complete', 999, 999), alloc('b', 'running', 1, 1)]);
  expect(total(nodes.get('a')!)).toEqual({ cpu: 150, memory: 96 * 2 ** 20, disk: 20 * 2 ** 20 });
  expect([...nodes.keys()]).toEqual(['a', 'b']);
});

test('what a client keeps for itself is not for allocations', () => {
  const n = { NodeResources: { Cpu: { CpuShares: 1000 }, Memory: { MemoryMB: 100 }, Disk: { DiskMB: 1 } }, ReservedResources: { Cpu: { CpuShares: 100 }, Memory: { MemoryMB: 200 }, Disk: { DiskMB: 0 } } } as unknown as NodeListStub;
  expect(capacity(n)).toEqual({ cpu: 900, memory: 0, disk: 2 ** 20 });
});

test('clients in groups', () => {
  const nodes = [node('n10', 'dc2', 'big'), node('n9', 'dc2'), node('n1', 'dc1')];
  expect(grouped(nodes, 'datacenter').map(([g, l]) => [g, l.map((n) => n.Name)])).toEqual([
    ['dc1', ['n1']],
    ['dc2', ['n9', 'n10']],
  ]);
  expect(grouped(nodes, 'class').map(([g]) => g)).toEqual(['big', 'without a class']);
});
