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
