// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { remember } from './history';
import { roundUp, roundUpBytes } from './scale';

test('axes end at round numbers', () => {
  expect([0, 1, 1.1, 2.2, 30, 99, 100, 101].map(roundUp)).toEqual([1, 1, 2, 2.5, 50, 100, 100, 200]);
  expect([10, 1500, 1 << 20, (1 << 20) + 1].map(roundUpBytes)).toEqual([1024, 1536, 1 << 20, 1.25 * (1 << 20)]);
});

test('a series keeps its newest samples', () => {
  for (let i = 1; i <= 300; i++) remember('x', { at: i, values: { v: i } });
  const all = remember('x', { at: 300, values: { v: 0 } });
  expect(all).toHaveLength(180);
  expect(all[0]!.at).toBe(121);
  expect(all[179]!.values.v).toBe(300);
});
