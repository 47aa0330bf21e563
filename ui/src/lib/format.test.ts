// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { ago, bytes, count, mhz, millis, percent, span } from './format';

test('sizes have units', () => {
  expect([0, 1023, 1024, 1536, 1 << 20, 5 * 2 ** 40].map(bytes)).toEqual(['0 B', '1023 B', '1 KiB', '1.5 KiB', '1 MiB', '5 TiB']);
  expect([500, 1000, 2400].map(mhz)).toEqual(['500 MHz', '1 GHz', '2.4 GHz']);
  expect([0, 0.015, 0.5, 1].map(percent)).toEqual(['0 %', '1.5 %', '50 %', '100 %']);
});

test('spans have at most two parts', () => {
  expect([0, 0.05, 15, 1200, 10_000, 60_000, 190_000, 3_600_000, 93_784_000].map(span)).toEqual(['0ms', '50µs', '15ms', '1.2s', '10s', '1m', '3m 10s', '1h', '1d 2h']);
});

test('ages', () => {
  const now = 1e12;
  expect([0, 5000, 65_000, 7_200_000, -30_000].map((d) => ago(now - d, now))).toEqual(['now', '5s ago', '1m ago', '2h ago', 'in 30s']);
});

test('times of the API', () => {
  expect(millis(0)).toBeUndefined();
  expect(millis(null)).toBeUndefined();
  expect(millis('0001-01-01T00:00:00Z')).toBeUndefined();
  expect(millis(1_700_000_000_000_000_000)).toBe(1_700_000_000_000);
  expect(millis('2026-01-01T00:00:00Z')).toBe(Date.UTC(2026, 0, 1));
});

test('counts', () => {
  expect([count(1, 'task'), count(2, 'task'), count(1234, 'entry', 'entries')]).toEqual(['1 task', '2 tasks', '1,234 entries']);
});
