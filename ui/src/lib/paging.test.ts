// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { pageAddress, pageSize, partOf, previousPage, sizeChange } from './paging';

const params = (text: string) => new URLSearchParams(text);

test('page sizes are those to choose from', () => {
  expect(pageSize(params(''))).toBe(50);
  expect(pageSize(params('size=100'))).toBe(100);
  expect(pageSize(params('size=1000000'))).toBe(50);
  expect(pageSize(params('size=-1'))).toBe(50);
  expect(sizeChange(50)).toEqual({ size: null });
  expect(sizeChange(25)).toEqual({ size: '25' });
});

test('addresses of pages keep everything else', () => {
  expect(pageAddress('/jobs', params('q=web&page=default.a'), 'default.b c')).toBe('/jobs?q=web&page=default.b+c');
  expect(pageAddress('/jobs', params('q=web&page=default.a'), '')).toBe('/jobs?q=web');
  expect(pageAddress('/jobs', params('page=default.a'), '')).toBe('/jobs');
});

test('the previous page', () => {
  expect(previousPage('c', undefined)).toBeUndefined();
  // Nothing is before the page.
  expect(previousPage('c', { keys: ['c'], nextToken: '' })).toBeUndefined();
  expect(previousPage(undefined, { keys: [], nextToken: '' })).toBeUndefined();
  // Less than a page is before it, or just one: it begins at the beginning.
  expect(previousPage('c', { keys: ['c', 'b'], nextToken: '' })).toBe('');
  // The row that the page began with has gone.
  expect(previousPage('d', { keys: ['b'], nextToken: '' })).toBe('');
  expect(previousPage(undefined, { keys: ['b'], nextToken: '' })).toBe('');
  expect(previousPage('c', { keys: ['c', 'b'], nextToken: 'a' })).toBe('a');
});

test('which part of a list a page is', () => {
  expect(partOf(1, 'job', false, false)).toBe('1 job');
  expect(partOf(50, 'job', false, true)).toBe('The first 50 jobs');
  expect(partOf(50, 'job', true, true)).toBe('50 jobs, more before and after');
  expect(partOf(1, 'job', true, false)).toBe('The last job');
  expect(partOf(7, 'evaluation', true, false)).toBe('The last 7 evaluations');
});
