// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { evalsRead, jobsOf, jobsRead, mostNamed, troubleOf } from './lists';

const at = { namespace: '*', region: undefined };
const params = (text: string) => new URLSearchParams(text);

test('how jobs are read', () => {
  expect(jobsRead(params(''), at)).toEqual({ ...at, filter: 'ParentID == ""', reverse: false, perPage: 50, nextToken: '' });
  expect(jobsRead(params('q=web&status=stopped&type=batch&pool=gpu&sort=-name&size=100&page=default.x'), at)).toEqual({
    ...at,
    filter: 'ParentID == "" and (ID matches "(?i)web" or Name matches "(?i)web") and (Status == "dead" and Stop == true) and Type == "batch" and NodePool == "gpu"',
    reverse: true,
    perPage: 100,
    nextToken: 'default.x',
  });
  // A state that nothing has is not no filter.
  expect(jobsRead(params('status=bogus'), at).filter).toBe('ParentID == "" and Status == "bogus"');
});

test('jobs with a trouble are named', () => {
  expect(troubleOf(params('status=failing'))).toBe('failing');
  expect(troubleOf(params('status=running'))).toBeUndefined();
  const { jobs, more } = jobsOf([{ JobID: 'web.1', Namespace: 'default' }, { JobID: 'a/b', Namespace: 'default' }, { JobID: 'web.1', Namespace: 'default' }, { JobID: 'x/dispatch-1-2', Namespace: 'ops' }]);
  expect(more).toBe(false);
  expect(jobsRead(params('status=failing'), at, jobs).filter).toBe('ParentID == "" and ((Namespace == "default" and ID matches "^(a/b|web\\\\.1)$") or (Namespace == "ops" and ID matches "^(x)$"))');
  expect(jobsRead(params('status=failing'), at, new Map()).filter).toBe('ParentID == "" and ID == ""');
  const many = jobsOf(Array.from({ length: mostNamed + 1 }, (_, i) => ({ JobID: `j${i}`, Namespace: 'default' })));
  expect(many.more).toBe(true);
  expect(many.jobs.get('default')).toHaveLength(mostNamed);
});

test('how evaluations are read', () => {
  expect(evalsRead(params(''), at)).toEqual({ ...at, filter: '', reverse: true, perPage: 50, nextToken: '' });
  expect(evalsRead(params('q=0ab&trigger=job-register&sort=created'), at)).toMatchObject({ filter: '(ID matches "^0ab" or JobID matches "(?i)0ab") and TriggeredBy == "job-register"', reverse: false });
  expect(evalsRead(params('q=web&status=partly+placed'), at).filter).toBe('JobID matches "(?i)web" and (Status == "complete" and FailedTGAllocs is not empty)');
});
