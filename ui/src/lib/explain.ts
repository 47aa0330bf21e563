// SPDX-License-Identifier: MPL-2.0
import type { AllocMetric, GroupPlacement, PlacementObstacle, Shortage } from '../api/types.gen';
import { bytes, count, mhz, upper } from './format';

/** One thing that kept nodes out, with how many. */
export interface Reason {
  /** How many nodes it kept out. */
  nodes: number;
  text: string;
  /** Of a constraint, or of room that is missing. */
  kind: 'constraint' | 'room' | 'quota' | 'none';
  /** What to do about it. */
  advice?: string;
}

const dimensions: Record<string, string> = {
  cpu: 'CPU shares',
  cores: 'CPU cores',
  memory: 'memory',
  disk: 'disk',
  'network: port collision': 'a port that is taken',
};

function constraintAdvice(text: string): string | undefined {
  if (/missing drivers/.test(text)) return 'No driver of that name is healthy there; look at the drivers of the client.';
  if (/distinct_hosts/.test(text)) return 'Each allocation wants a node of its own: fewer allocations or more nodes.';
  if (/missing compatible host volumes|host volume/i.test(text)) return 'The clients have no such host volume.';
  if (/computed class ineligible/.test(text)) return 'Nodes of this class were ruled out before for the same job.';
  return undefined;
}

/** Why a placement failed, most common reason first, in words. */
export function reasons(m: AllocMetric): Reason[] {
  const found: Reason[] = [];
  for (const [name, n] of Object.entries(m.ConstraintFiltered ?? {})) {
    found.push({ nodes: n, kind: 'constraint', text: `Constraint not met: ${name}`, advice: constraintAdvice(name) });
  }
  for (const [name, n] of Object.entries(m.DimensionExhausted ?? {})) {
    found.push({ nodes: n, kind: 'room', text: `Not enough ${dimensions[name] ?? name}`, advice: 'Ask for less, stop something, or add a client.' });
  }
  found.sort((a, b) => b.nodes - a.nodes);
  for (const q of m.QuotaExhausted ?? []) found.push({ nodes: 0, kind: 'quota', text: `Quota used up: ${q}` });
  if (found.length === 0) {
    if (m.NodesEvaluated === 0) {
      const pools = m.NodePool ? ` of node pool "${m.NodePool}"` : '';
      found.push({ nodes: 0, kind: 'none', text: `No eligible client${pools} in the job's datacenters`, advice: 'Check the datacenters and the node pool of the job, and that a client is ready and eligible.' });
    } else if (m.NodesFiltered > 0) {
      found.push({ nodes: m.NodesFiltered, kind: 'constraint', text: 'Kept out by constraints' });
    }
  }
  return found;
}

/** One line on a failed placement. */
export function summary(m: AllocMetric): string {
  const first = reasons(m)[0];
  const scope = [
    `${count(m.NodesEvaluated, 'client')} considered`,
    ...(m.NodesFiltered > 0 ? [`${m.NodesFiltered} kept out by constraints`] : []),
    ...(m.NodesExhausted > 0 ? [`${m.NodesExhausted} without room`] : []),
  ].join(', ');
  if (!first) return scope;
  return m.NodesEvaluated > 0 ? `${first.text} (${scope})` : first.text;
}

/** Nodes that came closest: they met every constraint and only lacked room, by what they lack. */
export function nearest(m: AllocMetric): { what: string; nodes: number }[] {
  return Object.entries(m.DimensionExhausted ?? {})
    .map(([what, nodes]) => ({ what: dimensions[what] ?? what, nodes }))
    .sort((a, b) => b.nodes - a.nodes);
}

/** An obstacle of a placement in words. */
export function obstacleText(o: PlacementObstacle): string {
  if (o.Kind === 'room' && !/[: ]/.test(o.Reason)) return `Not enough ${dimensions[o.Reason] ?? o.Reason}`;
  if (o.Kind === 'constraint' && o.Reason === 'distinct_hosts') return 'distinct_hosts: has one already';
  if (o.Kind === 'constraint' && o.Reason.startsWith('${')) return `Constraint not met: ${o.Reason}`;
  return upper(o.Reason);
}

/** What clients have where an unmet constraint looks, most frequent first; empty for what is no constraint. */
export function obstacleValues(o: PlacementObstacle): string {
  const parts = Object.entries(o.Values ?? {})
    .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    .map(([v, n]) => `"${v}" on ${n}`);
  if (o.OtherValues) parts.push(count(o.OtherValues, 'other value'));
  if (o.Unset) parts.push(`nothing on ${o.Unset}`);
  return parts.join(', ');
}

/** The heading of the changes of which each is enough; the command line has the same words. */
export function changesTitle(p: Pick<GroupPlacement, 'Suggestions' | 'Missing'>): string {
  return `${p.Suggestions?.length === 1 ? 'This' : 'Any one of these'} would place ${p.Missing === 1 ? 'it' : 'at least one allocation'}`;
}

/** What a client lacks, with its unit. */
export function shortageText(s: Shortage): string {
  const write = s.Dimension === 'cpu' ? mhz : s.Dimension === 'memory' || s.Dimension === 'disk' ? (n: number) => bytes(n * 2 ** 20) : String;
  const name = dimensions[s.Dimension] ?? s.Dimension;
  return s.Wanted > 1 || s.Free > 0 ? `${name}: wants ${write(s.Wanted)}, ${write(Math.max(0, s.Free))} free` : name;
}
