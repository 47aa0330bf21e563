// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, NodeListStub, NodeResources, NodeReservedResources } from '../api/types.gen';

/** Amounts of what allocations share: MHz, and bytes. */
export interface Amounts {
  cpu: number;
  memory: number;
  disk: number;
}

const MiB = 2 ** 20;

/** What a client has for allocations, without what is kept for itself. */
export function capacity(n: { NodeResources: NodeResources | null; ReservedResources: NodeReservedResources | null }): Amounts {
  const r = n.NodeResources;
  const kept = n.ReservedResources;
  return {
    cpu: Math.max(0, (r?.Cpu.CpuShares ?? 0) - (kept?.Cpu.CpuShares ?? 0)),
    memory: Math.max(0, (r?.Memory.MemoryMB ?? 0) - (kept?.Memory.MemoryMB ?? 0)) * MiB,
    disk: Math.max(0, (r?.Disk.DiskMB ?? 0) - (kept?.Disk.DiskMB ?? 0)) * MiB,
  };
}

/** What an allocation reserves. */
export function reserved(a: Pick<AllocListStub, 'AllocatedResources'>): Amounts {
  const sum: Amounts = { cpu: 0, memory: 0, disk: (a.AllocatedResources?.Shared.DiskMB ?? 0) * MiB };
  for (const t of Object.values(a.AllocatedResources?.Tasks ?? {})) {
    sum.cpu += t.Cpu.CpuShares;
    sum.memory += t.Memory.MemoryMB * MiB;
  }
  return sum;
}

/** Whether an allocation takes room. */
export function takesRoom(a: Pick<AllocListStub, 'ClientStatus'>): boolean {
  return a.ClientStatus === 'running' || a.ClientStatus === 'pending' || a.ClientStatus === 'unknown';
}

/** The allocations that take room, by client. */
export function byNode(allocs: AllocListStub[]): Map<string, AllocListStub[]> {
  const out = new Map<string, AllocListStub[]>();
  for (const a of allocs) {
    if (!takesRoom(a)) continue;
    const list = out.get(a.NodeID);
    if (list) list.push(a);
    else out.set(a.NodeID, [a]);
  }
  return out;
}

/** The sum of what some allocations reserve. */
export function total(allocs: AllocListStub[]): Amounts {
  const sum: Amounts = { cpu: 0, memory: 0, disk: 0 };
  for (const a of allocs) {
    const r = reserved(a);
    sum.cpu += r.cpu;
    sum.memory += r.memory;
    sum.disk += r.disk;
  }
  return sum;
}

/** How clients are put into groups. */
export type Grouping = 'datacenter' | 'pool' | 'class';

/** The clients in groups, groups and clients by name. */
export function grouped(nodes: NodeListStub[], by: Grouping): [name: string, nodes: NodeListStub[]][] {
  const groups = new Map<string, NodeListStub[]>();
  for (const n of nodes) {
    const name = by === 'datacenter' ? n.Datacenter : by === 'pool' ? n.NodePool : n.NodeClass || 'without a class';
    const list = groups.get(name);
    if (list) list.push(n);
    else groups.set(name, [n]);
  }
  const order = new Intl.Collator('en', { numeric: true });
  for (const list of groups.values()) list.sort((a, b) => order.compare(a.Name, b.Name));
  return [...groups].sort((a, b) => order.compare(a[0], b[0]));
}
