// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { LogBuffer, longestLine, matcher } from './log-buffer';

const bytes = (s: string) => new TextEncoder().encode(s);

test('lines are put together from pieces, by source', () => {
  const b = new LogBuffer();
  const umlaut = bytes('ü\n');
  b.push('a', bytes('one\r\ntw'));
  b.push('b', bytes('other\n'));
  b.push('a', bytes('o'));
  b.push('a', umlaut.slice(0, 1));
  b.push('a', umlaut.slice(1));
  b.push('a', bytes('open'));
  expect(b.all().map((l) => [l.source, l.text])).toEqual([
    ['a', 'one'],
    ['b', 'other'],
    ['a', 'twoü'],
    ['a', 'open'],
  ]);
});

test('a line of ten megabytes is cut', () => {
  const b = new LogBuffer();
  for (let i = 0; i < 160; i++) b.push('a', bytes('x'.repeat(65_536)));
  b.push('a', bytes('\nnext\n'));
  expect(b.lines[0]!.text.length).toBeLessThan(longestLine + 60);
  expect(b.lines[0]!.text).toContain('10,477,568 more characters');
  expect(b.lines[1]!.text).toBe('next');
});

test('old lines go', () => {
  const b = new LogBuffer(100, 1000);
  for (let i = 0; i < 300; i++) b.push('a', bytes(`line ${i}\n`));
  expect(b.lines).toHaveLength(100);
  expect(b.lines[99]!.text).toBe('line 299');
  b.push('a', bytes(`${'y'.repeat(900)}\n`));
  expect(b.lines.reduce((n, l) => n + l.text.length, 0)).toBeLessThanOrEqual(1000);
  expect(b.dropped + b.lines.length).toBe(301);
});

test('binary bytes are no error', () => {
  const b = new LogBuffer();
  b.push('a', new Uint8Array([0xff, 0xfe, 0, 10]));
  expect(b.lines[0]!.text).toBe('\ufffd\ufffd\u0000');
});

test('patterns', () => {
  expect('a+b'.match(matcher('a+', false)!)).toEqual(['a+']);
  expect('aab'.match(matcher('a+', true)!)).toEqual(['aa']);
  expect(matcher('(', true)).toBeUndefined();
});

test('what several sources wrote is put in the order of its times', () => {
  const b = new LogBuffer();
  b.push('a', new TextEncoder().encode('2026-01-01T00:00:01.5Z one\n  more of one\n2026-01-01T00:00:04Z four\n'));
  b.push('b', new TextEncoder().encode('[2026-01-01T00:00:02,000Z] two\n\x1b[32m2026-01-01T00:00:03+00:00 three\n'));
  b.interleave();
  expect(b.all().map((l) => l.text.replace(/^.*(?:Z\]?|\+00:00) /, ''))).toEqual(['one', '  more of one', 'two', 'three', 'four']);
  expect(b.all().map((l) => l.n)).toEqual([1, 2, 3, 4, 5]);
  b.push('c', new TextEncoder().encode('no time\n'));
  b.interleave();
  expect(b.all().at(-1)?.text).toBe('no time');
});

/** The lines as they stand, with what stands between them. */
const told = (b: LogBuffer) => b.all().map((l) => (l.note ? `-- ${[l.note, l.source].filter(Boolean).join(' ')}` : `${l.source} ${l.text.replace(/^.*Z /, '')}`));

test('what was written before, without times, stands source by source', () => {
  const b = new LogBuffer();
  b.push('b', bytes('b1\n'));
  b.push('a', bytes('a1\n'));
  b.push('b', bytes('b2\nb3'));
  b.history(['a', 'b']);
  b.push('a', bytes('a2\n'));
  b.history(['a', 'b']);
  const before = ['-- before a', 'a a1', 'a a2', '-- before b', 'b b1', 'b b2', '-- live'];
  expect(told(b)).toEqual([...before, 'b b3']);
  b.push('b', bytes('\n'));
  b.push('a', bytes('a3\n'));
  expect(told(b)).toEqual([...before, 'b b3', 'a a3']);
  expect(b.all().map((l) => l.n)).toEqual(b.all().map((_, i) => i + 1));
});

test('of what was written before, that with times is merged, and alone needs no notes', () => {
  const b = new LogBuffer();
  b.push('a', bytes('  rest of a trace\n2026-01-01T00:00:02Z two\n2026-01-01T00:00:04Z four\n'));
  b.push('b', bytes('2026-01-01T00:00:01Z one\n2026-01-01T00:00:03Z three\n'));
  b.history(['a', 'b', 'c']);
  expect(told(b)).toEqual(['b one', 'a   rest of a trace', 'a two', 'b three', 'a four']);
  b.push('c', bytes('no time\n'));
  b.history(['a', 'b', 'c']);
  expect(told(b)).toEqual(['-- before c', 'c no time', '-- timed', 'b one', 'a   rest of a trace', 'a two', 'b three', 'a four', '-- live']);
});

test('one time among many lines orders none of them', () => {
  const b = new LogBuffer();
  b.push('a', bytes(`2026-01-01T00:00:09Z started\n${'tick\n'.repeat(20)}`));
  b.push('b', bytes('2026-01-01T00:00:10Z ten\n'));
  b.history(['a', 'b']);
  expect(told(b)[0]).toBe('-- before a');
  expect(told(b).slice(-3)).toEqual(['-- timed', 'b ten', '-- live']);
});

test('one source needs no notes', () => {
  const b = new LogBuffer();
  b.push('a', bytes('one\ntwo\n'));
  b.history(['a', 'b']);
  expect(told(b)).toEqual(['a one', 'a two']);
});

test('lines that were there before keep their places', () => {
  const b = new LogBuffer();
  b.push('a', bytes('no time\n2026-01-01T00:00:09Z nine\n'));
  const { mark } = b;
  b.interleave(mark);
  b.push('b', bytes('2026-01-01T00:00:02Z two\n'));
  b.push('a', bytes('2026-01-01T00:00:01Z one\n'));
  b.interleave(mark);
  expect(b.all().map((l) => l.text.replace(/^.*Z /, ''))).toEqual(['no time', 'nine', 'one', 'two']);
  expect(b.all().map((l) => l.n)).toEqual([1, 2, 3, 4]);
});

test('a gap ends the line that was open', () => {
  const b = new LogBuffer();
  b.push('a', bytes('half'));
  b.gap('a', '(left out)');
  b.push('a', bytes('a line\n'));
  expect(b.all().map((l) => l.text)).toEqual(['half', '(left out)', 'a line']);
});
