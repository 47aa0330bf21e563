// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { fileNumber, LogTail, type LogPiece, type News } from './log-tail';

/** A log of rotated files, of which the end is read as the API gives it. */
class Log {
  files: string[] = [''];
  first = 0;
  write(text: string) {
    this.files[this.files.length - 1] += text;
  }
  rotate(keep: number) {
    this.files.push('');
    while (this.files.length > keep) {
      this.files.shift();
      this.first++;
    }
  }
  end(n: number): LogPiece[] {
    const pieces: LogPiece[] = [];
    for (let i = this.files.length - 1; i >= 0 && n > 0; i--) {
      const text = this.files[i]!.slice(-n);
      n -= text.length;
      if (text) pieces.unshift({ file: this.first + i, end: this.files[i]!.length, bytes: new TextEncoder().encode(text) });
    }
    return pieces;
  }
}

function turn(tail: LogTail, log: Log): { text: string; gap: boolean; asks: number } {
  for (let asks = 1; ; asks++) {
    const news: News | undefined = tail.take(log.end(tail.ask));
    if (news) return { text: news.bytes.map((b) => new TextDecoder().decode(b)).join(''), gap: news.gap, asks };
  }
}

test('what is new is taken once', () => {
  const log = new Log();
  const tail = new LogTail(4096);
  expect(turn(tail, log)).toEqual({ text: '', gap: false, asks: 1 });
  log.write('one\n');
  expect(turn(tail, log)).toEqual({ text: 'one\n', gap: false, asks: 1 });
  expect(turn(tail, log)).toEqual({ text: '', gap: false, asks: 1 });
  log.write('two\n');
  expect(turn(tail, log)).toEqual({ text: 'two\n', gap: false, asks: 1 });
});

test('the first turn takes the end, and says that there was more', () => {
  const log = new Log();
  log.write('x'.repeat(10_000));
  expect(turn(new LogTail(4096), log)).toEqual({ text: 'x'.repeat(4096), gap: true, asks: 1 });
  expect(turn(new LogTail(20_000), log).gap).toBe(false);
});

test('more is asked for until it reaches back to what is known', () => {
  const log = new Log();
  const tail = new LogTail(4096);
  log.write('a');
  turn(tail, log);
  log.write('b'.repeat(50_000));
  expect(turn(tail, log)).toEqual({ text: 'b'.repeat(50_000), gap: false, asks: 3 });
  // The next time enough is asked for at once.
  log.write('c'.repeat(60_000));
  expect(turn(tail, log)).toEqual({ text: 'c'.repeat(60_000), gap: false, asks: 1 });
});

test('what is more than can be taken leaves a gap', () => {
  const log = new Log();
  const tail = new LogTail(4096);
  log.write('a');
  turn(tail, log);
  log.write('b'.repeat(1 << 20));
  const { text, gap } = turn(tail, log);
  expect([text.length, gap]).toEqual([256 << 10, true]);
});

test('files follow each other', () => {
  const log = new Log();
  const tail = new LogTail(4096);
  log.write('one\n');
  turn(tail, log);
  log.write('two\n');
  log.rotate(2);
  log.write('three\n');
  expect(turn(tail, log)).toMatchObject({ text: 'two\nthree\n', gap: false });
  // The file that was known is gone.
  log.rotate(2);
  log.write('four\n');
  log.rotate(2);
  log.write('five\n');
  expect(turn(tail, log)).toMatchObject({ text: 'four\nfive\n' });
});

test('a log that was emptied begins anew', () => {
  const log = new Log();
  const tail = new LogTail(4096);
  log.write('one\n');
  turn(tail, log);
  log.files = [''];
  expect(turn(tail, log).text).toBe('');
  log.write('x');
  expect(turn(tail, log).text).toBe('');
  log.write('two\n');
  expect(turn(tail, log).text).toBe('two\n');
});

test('log files are numbered', () => {
  expect(fileNumber('alloc/logs/web.1.stdout.12')).toBe(12);
  expect(fileNumber('nothing')).toBe(0);
});
