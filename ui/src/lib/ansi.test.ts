// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { pieces, plain } from './ansi';

test('colours become pieces, the rest is left out', () => {
  expect(pieces('a\x1b[31mred\x1b[1mbold\x1b[0mplain')).toEqual([{ text: 'a' }, { text: 'red', color: 1 }, { text: 'bold', color: 1, bold: true }, { text: 'plain' }]);
  expect(pieces('\x1b[38;5;9mx\x1b[38;2;1;2;3my\x1b[39mz')).toEqual([{ text: 'x', color: 9 }, { text: 'y', color: 9 }, { text: 'z' }]);
  expect(pieces('\x1b]0;title\x07ok\x1b[2J')).toEqual([{ text: 'ok' }]);
  expect(plain('\x1b[31mred\x1b[0m')).toBe('red');
});

test('control characters are shown', () => {
  expect(pieces('a\x00b\x07\x7f')[0]!.text).toBe('a␀b␇␡');
  expect(pieces('<b>&amp;</b>')).toEqual([{ text: '<b>&amp;</b>' }]);
});
