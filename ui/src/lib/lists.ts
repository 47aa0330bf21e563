// SPDX-License-Identifier: MPL-2.0
import type { Common } from '../api/client';
import { all, contains, either, equals, escaped, literal } from './filter';
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

/** States that jobs do not know of themselves: what their evaluations and allocations tell. */
export const jobTroubles: { value: Trouble; label: string }[] = [
  { value: 'waiting', label: 'not all placed' },
  { value: 'failing', label: 'with failed allocations' },
];

/** What may be wrong with a job. */
export type Trouble = 'waiting' | 'failing';

/** The trouble that an address asks for. */
export function troubleOf(params: URLSearchParams): Trouble | undefined {
  return jobTroubles.find((t) => t.value === params.get('status'))?.value;
}

/** How the allocations are read that failed and were not replaced. */
export function failedRead(ambient: Ambient): Common {
  return { ...ambient, filter: 'ClientStatus == "failed" and DesiredStatus == "run" and NextAllocation == ""', reverse: true, perPage: 1000 };
}

/** The most jobs that a filter names: an address must not become longer than what is between browser and agent takes. */
export const mostNamed = 100;

/** The different jobs of some objects, by namespace and ID, no more than a filter may name; jobs that others launched stand for those. */
export function jobsOf(objects: { JobID?: string; Namespace?: string }[]): { jobs: Map<string, string[]>; more: boolean } {
  const all = [...new Set(objects.map((o) => `${o.Namespace}/${(o.JobID ?? '').replace(/\/(dispatch|periodic)-[^/]*$/, '')}`))].sort();
  const jobs = new Map<string, string[]>();
  for (const one of all.slice(0, mostNamed)) {
    const at = one.indexOf('/');
    jobs.set(one.slice(0, at), [...(jobs.get(one.slice(0, at)) ?? []), one.slice(at + 1)]);
  }
  return { jobs, more: all.length > mostNamed };
}

/** True for some jobs, by namespace; for none when there are none. */
function named(jobs: Map<string, string[]>): string {
  if (jobs.size === 0) return 'ID == ""';
  return either([...jobs].map(([namespace, ids]) => all([equals('Namespace', namespace), `ID matches ${literal(`^(${ids.map(escaped).join('|')})$`)}`])));
}

/** The filters of the list of jobs that an address may have. */
export const jobFilters = ['q', 'status', 'type', 'pool'] as const;

/**
 * How the list of jobs of an address is read: what it leaves out, its order and its page are the server's to see to.
 * Where the address asks for a trouble, among are the jobs that have it.
 */
export function jobsRead(params: URLSearchParams, ambient: Ambient, among?: Map<string, string[]>): Common {
  const [q, status, type, pool] = jobFilters.map((f) => params.get(f) ?? '') as [string, string, string, string];
  const state = among ? named(among) : (jobStates.find((s) => s.value === status)?.condition ?? equals('Status', status));
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
  { value: 'partly placed', label: 'not all placed', condition: 'Status == "complete" and FailedTGAllocs is not empty' },
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
