// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { score } from './search';

test('better matches score higher', () => {
  const order = ['web', 'web-server', 'my-web', 'cobweb'].map((t) => score(t, 'web')!);
  expect(order).toEqual([...order].sort((a, b) => b - a));
  expect(new Set(order).size).toBe(4);
});

test('every word must match', () => {
  expect(score('api gateway', 'gate api')).toBeDefined();
  expect(score('api gateway', 'api web')).toBeUndefined();
  expect(score('api-gateway', 'apgw')).toBeDefined();
  expect(score('x', '')).toBe(0);
});
