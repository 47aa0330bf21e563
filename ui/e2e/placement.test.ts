// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, api, purge, run, running, until, type Alloc } from './agent';
import { Screen } from './browser';
import { greedy } from './jobs';

interface Config {
  SchedulerConfig: { PreemptionConfig: Record<string, boolean> };
}
interface Node {
  ID: string;
  Name: string;
  NodeResources: { Memory: { MemoryMB: number } };
  ReservedResources: { Memory: { MemoryMB: number } } | null;
}

let s: Screen;
let before: Config['SchedulerConfig'];
beforeEach(anew);
beforeEach(async () => {
  before = (await api<Config>('/v1/operator/scheduler/configuration')).SchedulerConfig;
});
afterEach(async () => {
  await api('/v1/operator/scheduler/configuration', before);
  await s.done();
});

/** What is said about the allocation under a name. */
const fact = (name: string) => s.page.getByRole('region', { name: 'About' }).locator(`dt:text-is("${name}") + dd`);

/** Megabytes that only one allocation at a time can have, and the client that has them. */
async function most(): Promise<{ node: Node; megabytes: number }> {
  const node = await api<Node>(`/v1/node/${(await api<{ ID: string }[]>('/v1/nodes'))[0]!.ID}`);
  return { node, megabytes: Math.floor((node.NodeResources.Memory.MemoryMB - (node.ReservedResources?.Memory.MemoryMB ?? 0)) * 0.6) };
}

test('who had to go for whom is told by both, and what waits is placed while one looks', async () => {
  const { node, megabytes } = await most();
  await api('/v1/operator/scheduler/configuration', { ...before, PreemptionConfig: { ...before.PreemptionConfig, ServiceSchedulerEnabled: true } });
  await run(greedy('lowly', 10, megabytes));
  const lowly = (await running('lowly'))[0]!;
  await run(greedy('lofty', 90, megabytes));
  const lofty = (await running('lofty'))[0]!;

  s = await Screen.open(`/allocations/${lofty.ID}`);
  const { page } = s;
  await fact('Preempted').getByRole('link', { name: lowly.ID.slice(0, 8) }).waitFor();
  await s.shot('allocation-preempting-light-1280');
  await fact('Preempted').getByRole('link').click();
  await page.waitForURL(new RegExp(lowly.ID));
  await fact('Preempted by').getByRole('link', { name: lofty.ID.slice(0, 8) }).waitFor();
  await fact('Desired').getByText(/^evict/).waitFor();
  await s.shot('allocation-preempted-light-1280');
  await s.check();

  // The client is too small by what the other one took, and that is what it says.
  await s.go('/jobs/lowly@default');
  const why = page.getByRole('region', { name: /Why not placed/ });
  await why.getByText('Group g: 1 allocation not placed').waitFor();
  await why.getByText('Not enough memory').waitFor();
  const miss = why.getByRole('listitem').filter({ hasText: 'lacks only' });
  await miss.getByText(/lacks only memory: wants [\d.]+ [GM]iB, [\d.]+ [GM]iB free$/).waitFor();
  await miss.getByRole('link', { name: node.Name, exact: true }).waitFor();
  await s.shot('job-nearest-miss-light-1280');
  await s.check();
  const blocked = (await until(() => api<{ ID: string; Status: string }[]>('/v1/job/lowly/evaluations'), (l) => l.some((e) => e.Status === 'blocked'))).find((e) => e.Status === 'blocked')!;

  const other = await Screen.open(`/evaluations/${blocked.ID}`);
  await other.page.getByText('blocked', { exact: true }).first().waitFor();
  await purge('lofty');
  // Nothing is reloaded: the pages hear of it.
  await page.getByText('1 of 1 running').waitFor();
  await why.waitFor({ state: 'detached' });
  await other.page.getByText('blocked', { exact: true }).first().waitFor({ state: 'detached' });
  await other.page.getByText('complete', { exact: true }).first().waitFor();
  await other.done();
  await s.go('/jobs');
  await purge('lowly');
});

test('an allocation leads to the one before and the one after it', async () => {
  await run(greedy('lined', 50, 32));
  const first = (await running('lined'))[0]!;
  await api(`/v1/allocation/${first.ID}/stop`, {});
  const second = (await until(() => running('lined'), (l) => l.some((a) => a.ID !== first.ID))).find((a: Alloc) => a.ID !== first.ID)!;
  s = await Screen.open(`/allocations/${first.ID}`);
  const { page } = s;
  await fact('Replaced by').getByRole('link', { name: second.ID.slice(0, 8) }).click();
  await page.waitForURL(new RegExp(second.ID));
  await fact('Replaces').getByRole('link', { name: first.ID.slice(0, 8) }).click();
  await page.waitForURL(new RegExp(first.ID));
  expect(await fact('Replaces').count()).toBe(0);
  await s.check();
  await s.go('/jobs');
  await purge('lined');
});
