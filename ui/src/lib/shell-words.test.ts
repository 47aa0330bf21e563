// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { base64, bytesOf } from './base64';
import { inRegion, quoted, words } from './shell-words';

test.each([
  ['/bin/sh', ['/bin/sh']],
  [' sh  -c "echo \\"a b\\"" ', ['sh', '-c', 'echo "a b"']],
  ["echo 'it''s' a\\ b ''", ['echo', 'its', 'a b', '']],
  ['', []],
])('%s', (line, want) => {
  expect(words(line)).toEqual(want);
});

test('base64 of any text', () => {
  expect(new TextDecoder().decode(bytesOf(base64('ü€😀\0')))).toBe('ü€😀\0');
});

test('words that a shell takes for one', () => {
  expect(quoted('web-1')).toBe('web-1');
  expect(quoted("it's *")).toBe("'it'\\''s *'");
});

test('a command for another region', () => {
  expect(inRegion('nomadlike job stop web', undefined)).toBe('nomadlike job stop web');
  expect(inRegion('nomadlike job stop web', 'eu west')).toBe("NOMAD_REGION='eu west' nomadlike job stop web");
  expect(inRegion("printf x | nomadlike job dispatch nomadlike -", 'west')).toBe('printf x | NOMAD_REGION=west nomadlike job dispatch nomadlike -');
});
