// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import type { AllocMetric, PlacementObstacle } from '../api/types.gen';
import { changesTitle, obstacleText, obstacleValues, shortageText, summary } from './explain';

const obstacle = (o: Partial<PlacementObstacle>) => ({ Kind: 'constraint', Reason: '', Nodes: 3, Alone: 0, Classes: null, ...o }) as PlacementObstacle;

test.each([
  ['room', 'memory', 'Not enough memory'],
  ['room', 'network: reserved port 80', 'Network: reserved port 80'],
  ['constraint', '${attr.kernel.name} = plan9', 'Constraint not met: ${attr.kernel.name} = plan9'],
  ['constraint', 'missing driver docker', 'Missing driver docker'],
  ['node', 'ineligible', 'Ineligible'],
])('an obstacle of %s: %s', (Kind, Reason, text) => {
  expect(obstacleText(obstacle({ Kind, Reason }))).toBe(text);
});

test('what clients have instead', () => {
  expect(obstacleValues(obstacle({ Values: { linux: 2, darwin: 5 }, OtherValues: 1, Unset: 4 }))).toBe('"darwin" on 5, "linux" on 2, 1 other value, nothing on 4');
  expect(obstacleValues(obstacle({}))).toBe('');
});

test.each([
  [3, 1, 'Any one of these would place it'],
  [3, 2, 'Any one of these would place at least one allocation'],
  [1, 1, 'This would place it'],
  [1, 0, 'This would place at least one allocation'],
])('%d changes for %d allocations', (changes, Missing, text) => {
  expect(changesTitle({ Suggestions: Array(changes).fill('x'), Missing })).toBe(text);
});

test('what is lacking has a unit', () => {
  expect(shortageText({ Dimension: 'memory', Wanted: 2048, Free: 512 })).toBe('memory: wants 2 GiB, 512 MiB free');
  expect(shortageText({ Dimension: 'cpu', Wanted: 5000, Free: -10 })).toBe('CPU shares: wants 5 GHz, 0 MHz free');
  expect(shortageText({ Dimension: 'network: reserved port 80', Wanted: 1, Free: 0 })).toBe('network: reserved port 80');
});

test('one line on a failed placement counts only what is there', () => {
  const m = (of: Partial<AllocMetric>) => ({ NodesEvaluated: 0, NodesFiltered: 0, NodesExhausted: 0, NodePool: 'default', ...of }) as AllocMetric;
  expect(summary(m({}))).toBe('No eligible client of node pool "default" in the job\'s datacenters');
  expect(summary(m({ NodesEvaluated: 3, NodesFiltered: 2, ConstraintFiltered: { 'missing drivers': 2 }, NodesExhausted: 1, DimensionExhausted: { memory: 1 } }))).toBe('Constraint not met: missing drivers (3 clients considered, 2 kept out by constraints, 1 without room)');
  expect(summary(m({ NodesEvaluated: 1, NodesExhausted: 1, DimensionExhausted: { memory: 1 } }))).toBe('Not enough memory (1 client considered, 1 without room)');
});
