// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { noSlots, rowsOf, scrolled } from './slots';

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

test('a jump draws only what is in sight', () => {
  const here = scrolled(noSlots, 0, 6);
  const before = rowsOf(here, new Map(), 100, undefined);
  expect([...before.values()]).toEqual([0, 1, 2, 3, 4, 5]);
  const there = scrolled(here, 50, 6);
  const sight = { startIndex: 52, endIndex: 53 };
  const jumped = rowsOf(there, before, 100, sight);
  expect([...jumped.values()]).toEqual([0, 1, 52, 53, 4, 5]);
  // Who stops there sees all.
  expect([...rowsOf(there, jumped, 100, undefined).values()]).toEqual([50, 51, 52, 53, 54, 55]);
  // What is left of before is not shown twice, and not beyond the end of a list that has become shorter.
  expect([...rowsOf(scrolled(there, 0, 6), jumped, 100, { startIndex: 2, endIndex: 3 }).values()]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...rowsOf(there, jumped, 2, sight).values()]).toEqual([0, 1, 52, 53, 54, 55]);
});
