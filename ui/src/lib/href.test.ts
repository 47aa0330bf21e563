// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { ambient, href, segment, splitNamespace, unsegment } from './href';

test.each(['web', 'a/b', 'a%2Fb', '100%', 'ü ö', '<b>&?#', 'x@y'])('%s survives the address', (id) => {
  const path = decodeURI(href.job(id, 'team-a'));
  expect(path.split('/').length).toBe(3);
  expect(splitNamespace(unsegment(path.split('/')[2]!))).toEqual({ id, namespace: 'team-a' });
  expect(unsegment(decodeURI(segment(id)))).toBe(id);
});

test('namespace and region stay', () => {
  expect(ambient('/jobs', '?namespace=a&region=r&task=x')).toBe('/jobs?namespace=a&region=r');
  expect(ambient('/jobs?namespace=b', '?namespace=a')).toBe('/jobs?namespace=b');
  expect(ambient('/jobs', '')).toBe('/jobs');
});
