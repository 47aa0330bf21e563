// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { noSlots, scrolled } from './slots';

test('rows are used again', () => {
  const first = scrolled(noSlots, 0, 4);
  expect(first).toEqual({ from: 0, keys: [0, 1, 2, 3], next: 4 });
  const down = scrolled(first, 1, 4);
  expect(down.keys).toEqual([1, 2, 3, 0]);
  expect(scrolled(down, 1, 4).keys).toEqual([1, 2, 3, 0]);
  const far = scrolled(down, 900, 4);
  expect(far.keys).toEqual([1, 2, 3, 0]);
  const up = scrolled(far, 898, 4);
  expect(up).toEqual({ from: 898, keys: [4, 5, 1, 2], next: 6 });
});

test('more or fewer rows keep those that are there', () => {
  const s = scrolled(noSlots, 10, 2);
  expect(scrolled(s, 10, 3).keys).toEqual([0, 1, 2]);
  expect(scrolled(s, 10, 1).keys).toEqual([0]);
  expect(scrolled(s, 0, 0).keys).toEqual([]);
});
