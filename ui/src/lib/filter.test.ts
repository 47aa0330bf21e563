// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { all, contains, either, equals, gapped, literal } from './filter';

test('literals hold whatever is typed', () => {
  expect(literal('web')).toBe('"web"');
  expect(literal('a"b\\c\n')).toBe('"a\\x22b\\\\c\\x0a"');
  expect(literal('höhe ☃')).toBe('"höhe ☃"');
});

test('conditions', () => {
  expect(equals('Type', 'batch')).toBe('Type == "batch"');
  expect(equals('Type', '')).toBe('');
  expect(contains(['ID'], 'a.b')).toBe('ID matches "(?i)a\\\\.b"');
  expect(contains(['ID', 'Name'], 'x')).toBe('ID matches "(?i)x" or Name matches "(?i)x"');
  expect(contains(['ID'], '')).toBe('');
  expect(gapped('ID', 'w. b')).toBe('ID matches "(?i)w.*\\\\..*b"');
});

test('conditions together', () => {
  expect(all(['', 'A == 1', ''])).toBe('A == 1');
  expect(all(['A == 1', either(['B == 2', 'C == 3'])])).toBe('A == 1 and (B == 2 or C == 3)');
  expect(all([])).toBe('');
});
