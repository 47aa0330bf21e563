// SPDX-License-Identifier: MPL-2.0
import type { Common } from '../api/client';
import { all, contains, either, equals, literal } from './filter';
import { pageSize } from './paging';

/** Where a list is read: "*" for all namespaces, and the region, empty for the agent's own. */
export interface Ambient {
  namespace: string;
  region: string | undefined;
}

/** The states by which jobs can be chosen, as the server knows them. */
export const jobStates: { value: string; label: string; condition: string }[] = [
  { value: 'running', label: 'running', condition: 'Status == "running" and Periodic is nil and ParameterizedJob is nil' },
  { value: 'pending', label: 'pending', condition: 'Status == "pending"' },
  { value: 'ended', label: 'complete or failed', condition: 'Status == "dead" and Stop == false' },
  { value: 'stopped', label: 'stopped', condition: 'Status == "dead" and Stop == true' },
  { value: 'periodic', label: 'periodic', condition: 'Periodic is not nil and Status != "dead"' },
  { value: 'parameterized', label: 'parameterized', condition: 'ParameterizedJob is not nil and Dispatched == false and Status != "dead"' },
];

/** The filters of the list of jobs that an address may have. */
export const jobFilters = ['q', 'status', 'type', 'pool'] as const;

/** How the list of jobs of an address is read: what it leaves out, its order and its page are the server's to see to. */
export function jobsRead(params: URLSearchParams, ambient: Ambient): Common {
  const [q, status, type, pool] = jobFilters.map((f) => params.get(f) ?? '') as [string, string, string, string];
  const state = jobStates.find((s) => s.value === status)?.condition ?? equals('Status', status);
  return {
    ...ambient,
    filter: all(['ParentID == ""', contains(['ID', 'Name'], q.trim()), state, equals('Type', type), equals('NodePool', pool)]),
    reverse: params.get('sort') === '-name',
    perPage: pageSize(params),
    nextToken: params.get('page') ?? '',
  };
}

/** The states by which evaluations can be chosen. */
export const evalStates: { value: string; label: string; condition: string }[] = [
  { value: 'complete', label: 'complete', condition: 'Status == "complete" and FailedTGAllocs is empty' },
  { value: 'partly placed', label: 'partly placed', condition: 'Status == "complete" and FailedTGAllocs is not empty' },
  ...['blocked', 'pending', 'failed', 'canceled'].map((s) => ({ value: s, label: s, condition: equals('Status', s) })),
];

/** What evaluations are made for. */
export const evalTriggers = [
  'alloc-failure',
  'alloc-reschedule',
  'alloc-stop',
  'deployment-watcher',
  'failed-follow-up',
  'job-deregister',
  'job-register',
  'job-scaling',
  'max-disconnect-timeout',
  'max-plan-attempts',
  'node-drain',
  'node-update',
  'periodic-job',
  'preemption',
  'queued-allocs',
  'reconnect',
  'rolling-update',
  'scheduled',
];

/** The filters of the list of evaluations that an address may have. */
export const evalFilters = ['q', 'status', 'trigger', 'type'] as const;

/** How the list of evaluations of an address is read; the newest come first. */
export function evalsRead(params: URLSearchParams, ambient: Ambient): Common {
  const [q, status, trigger, type] = evalFilters.map((f) => params.get(f) ?? '') as [string, string, string, string];
  const text = q.trim();
  const state = evalStates.find((s) => s.value === status)?.condition ?? equals('Status', status);
  const byID = /^[0-9a-f-]+$/i.test(text) ? `ID matches ${literal(`^${text.toLowerCase()}`)}` : '';
  const found = text === '' ? '' : either([byID, contains(['JobID'], text)]);
  return {
    ...ambient,
    filter: all([found, state, equals('TriggeredBy', trigger), equals('Type', type)]),
    reverse: params.get('sort') !== 'created',
    perPage: pageSize(params),
    nextToken: params.get('page') ?? '',
  };
}
