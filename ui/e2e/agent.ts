// SPDX-License-Identifier: MPL-2.0

/** Address of the agent under test; ui/e2e_test.go starts it. */
export const address = process.env.NOMADLIKE_ADDR ?? '';
if (!address) throw new Error('NOMADLIKE_ADDR is not set: run go test ./ui, or set it to the address of an agent in dev mode');

/** Asks the API of the agent under test, or of another. */
export async function api<T>(path: string, body?: unknown, method = body === undefined ? 'GET' : 'PUT', of = address): Promise<T> {
  const response = await fetch(of + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text ? JSON.parse(text) : null) as T;
}

/** Registers the job of a job file, with its source. */
export async function run(source: string, of = address): Promise<string> {
  const job = await api<{ ID: string }>('/v1/jobs/parse', { JobHCL: source, Canonicalize: true }, 'PUT', of);
  await api('/v1/jobs', { Job: job, Submission: { Source: source, Format: 'hcl2' } }, 'PUT', of);
  return job.ID;
}

/** Asks again until the answer satisfies; the test's own time limit ends it. */
export async function until<T>(what: () => Promise<T>, satisfied: (t: T) => boolean): Promise<T> {
  for (;;) {
    const t = await what();
    if (satisfied(t)) return t;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** An allocation in a list. */
export interface Alloc {
  ID: string;
  JobID: string;
  ClientStatus: string;
  TaskGroup: string;
  JobVersion: number;
}

/** Waits until a job has so many running allocations. */
export function running(job: string, count = 1): Promise<Alloc[]> {
  return until(
    async () => (await api<Alloc[]>(`/v1/job/${encodeURIComponent(job)}/allocations`)).filter((a) => a.ClientStatus === 'running'),
    (a) => a.length >= count,
  );
}

/** Waits until the deployment of a job's version ended in a state. */
export async function deployed(job: string, version = 0, status = 'successful'): Promise<void> {
  await until(
    () => api<{ JobVersion: number; Status: string }[]>(`/v1/job/${encodeURIComponent(job)}/deployments`),
    (l) => l.some((d) => d.JobVersion === version && d.Status === status),
  );
}

/** Removes a job. */
export async function purge(job: string): Promise<void> {
  await api(`/v1/job/${encodeURIComponent(job)}?purge=true`, undefined, 'DELETE');
}

/**
 * For beforeEach: a second try begins as the first one did, without the jobs, evaluations and deployments that the
 * first one left, with a client that takes work.
 */
export async function anew({ task }: { task: { result?: { retryCount?: number } } }): Promise<void> {
  if (!task.result?.retryCount) return;
  for (const n of await api<{ ID: string }[]>('/v1/nodes')) await api(`/v1/node/${n.ID}/drain`, { DrainSpec: null, MarkEligible: true });
  for (const j of await api<{ ID: string; Namespace: string }[]>('/v1/jobs?namespace=*')) {
    await api(`/v1/job/${encodeURIComponent(j.ID)}?purge=true&namespace=${encodeURIComponent(j.Namespace)}`, undefined, 'DELETE');
  }
  await until(
    () => api<Alloc[]>('/v1/allocations?namespace=*'),
    (l) => l.every((a) => a.ClientStatus !== 'running' && a.ClientStatus !== 'pending'),
  );
  await api('/v1/system/gc', {});
}
