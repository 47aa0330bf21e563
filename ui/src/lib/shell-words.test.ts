// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { base64, bytesOf } from './base64';
import { words } from './shell-words';

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
