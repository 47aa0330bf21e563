// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { ObjectSplitter } from './stream';

test('objects are found wherever the pieces are cut', () => {
  const text = '{}{"Data":"a\\"}{","n":{"x":1}}\n{"a":"\\\\"}';
  for (let size = 1; size < text.length; size++) {
    const s = new ObjectSplitter();
    const got: string[] = [];
    for (let i = 0; i < text.length; i += size) got.push(...s.push(text.slice(i, i + size)));
    expect(got).toEqual(['{}', '{"Data":"a\\"}{","n":{"x":1}}', '{"a":"\\\\"}']);
  }
});

test('a large object of many short strings is cut in one pass', () => {
  const text = JSON.stringify(Array.from({ length: 400_000 }, (_, i) => `k${i}`));
  const s = new ObjectSplitter();
  expect(s.push(`{"a":${text}`)).toEqual([]);
  expect(s.push('}{"b":"\\n"}').map((o) => o.length)).toEqual([text.length + 6, 10]);
});
