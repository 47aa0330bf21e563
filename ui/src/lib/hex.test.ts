// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { hexDump, isText } from './hex';

test('text and bytes are told apart', () => {
  expect(isText(new TextEncoder().encode('größe\n\tx'))).toBe(true);
  expect(isText(new Uint8Array([104, 0, 105]))).toBe(false);
  expect(isText(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))).toBe(false);
  expect(isText(new Uint8Array())).toBe(true);
});

test('a dump', () => {
  expect(hexDump(new TextEncoder().encode('0123456789abcdef\n'), 16)).toBe('00000010  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n00000020  0a                                               .');
});
