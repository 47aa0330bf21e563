// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { isJSON, parseJSON, specErrors } from './spec';

test('mistakes have lines', () => {
  expect(specErrors('Failed to parse job: input.hcl:3,5-9: Unsupported argument; An argument named "cuont" is not expected here.')).toEqual([{ line: 3, text: 'Unsupported argument; An argument named "cuont" is not expected here.' }]);
  expect(specErrors('2 errors occurred:\n\t* input.hcl:1,1-4: a; b\n\t* job.group["x"]: needs a task\n\n')).toEqual([
    { line: 1, text: 'a; b' },
    { line: undefined, text: 'job.group["x"]: needs a task' },
  ]);
  expect(specErrors('Job spec is empty')).toEqual([{ line: undefined, text: 'Job spec is empty' }]);
});

test('jobs in JSON', () => {
  expect(isJSON(' {"Job":{}}')).toBe(true);
  expect(isJSON('job "x" {}')).toBe(false);
  expect(parseJSON('{"Job":{"ID":"x"}}').ID).toBe('x');
  expect(parseJSON('{"ID":"y"}').ID).toBe('y');
  expect(() => parseJSON('{}')).toThrow('no job');
  expect(() => parseJSON('{\n"a": x}')).toThrow();
});
