// SPDX-License-Identifier: MPL-2.0
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, test } from 'vitest';
import { api, run, until, type Alloc } from './agent';
import { Screen, type Look } from './browser';
import { end, OwnAgent, start } from './own-agent';
import { billing, gateway, greeter, many, named, shop, storefront, training, worker } from './pictures-jobs';
import { withPalette } from './png';

// Takes the pictures of docs/ui: npm run pictures, or some of them with -- -t NAME. The directory is PICTURES, or docs/ui.

const dir = resolve(process.env.PICTURES ?? fileURLToPath(new URL('../../docs/ui', import.meta.url)));
const image = process.env.PICTURES_IMAGE ?? 'busybox:1';

let agent: OwnAgent;
let s: Screen;
afterAll(() => agent?.remove());

const allocs = (job: string) => api<Alloc[]>(`/v1/job/${job}/allocations`, undefined, 'GET', agent.address);
const living = (job: string, n: number) => until(async () => (await allocs(job)).filter((a) => a.ClientStatus === 'running'), (l) => l.length >= n);

async function open(path: string, look: Look = {}): Promise<void> {
  s = await Screen.open(path, look, agent.address);
}

async function keep(name: string): Promise<void> {
  await s.page.mouse.move(0, 0);
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}/${name}.png`, withPalette(await s.page.screenshot()));
  await s.close();
}

const seen = (text: string | RegExp) => s.page.locator('main').getByText(text).first().waitFor();
/** Lets charts and logs of the page become longer. */
const wait = (seconds: number) => s.page.waitForTimeout(seconds * 1000);

beforeAll(async () => {
  agent = await OwnAgent.start('name = "demo-1"\n', true);
  await until(() => api<{ Status: string }[]>('/v1/nodes', undefined, 'GET', agent.address), (l) => l[0]?.Status === 'ready');
  for (const job of [shop(1), training, billing, gateway(2, 1), storefront, worker, greeter(image)]) await run(job, agent.address);
  await living('shop', 5);
  await run(shop(2), agent.address);
  await until(() => api<{ JobVersion: number; Status: string }[]>('/v1/job/shop/deployments', undefined, 'GET', agent.address), (l) => l.some((d) => d.JobVersion === 1 && d.Status === 'successful'));
}, 180_000);

test('job', async () => {
  await open('/jobs/shop@default?old=hide');
  await seen('3 of 3 running, 3 healthy');
  await keep('job');
});

test('not-placed', async () => {
  await open('/jobs/ml-training@default');
  await seen('Any one of these would place it');
  await keep('not-placed');
});

test('failing and narrow', async () => {
  await until(() => allocs('billing'), (l) => l.some((a) => a.ClientStatus === 'failed'));
  await open('/jobs/billing@default', { theme: 'dark' });
  await seen('Group api: task api failed');
  await keep('failing');
  await open('/jobs/billing@default', { theme: 'dark', width: 320, height: 640 });
  await seen('Group api: task api failed');
  await keep('narrow');
});

test('allocation', async () => {
  const web = (await living('shop', 5)).find((a) => a.TaskGroup === 'web')!;
  await open(`/allocations/${web.ID}`, { theme: 'dark' });
  await seen('measured every 2 seconds');
  await wait(40);
  await keep('allocation');
});

test('logs', async () => {
  await open('/jobs/shop@default/logs?group=web');
  await s.page.getByLabel('Regex').check();
  await s.page.getByRole('searchbox', { name: 'Search in the log' }).fill('invoice \\d*7');
  await s.page.locator('mark').first().waitFor();
  await s.page.getByRole('button', { name: 'To the end' }).click({ timeout: 2000 }).catch(() => undefined);
  await wait(5);
  await keep('logs');
});

test('logs-many', async () => {
  await living('storefront', 12);
  await open('/jobs/storefront@default/logs');
  await seen('12 logs, read in turn');
  await wait(6);
  await keep('logs-many');
});

test('restarts', async () => {
  const failed = await until(() => allocs('worker'), (l) => l.some((a) => a.ClientStatus === 'failed'));
  await open(`/allocations/${failed.find((a) => a.ClientStatus === 'failed')!.ID}`);
  const round = s.page.getByText(/^Each of them/).first();
  await round.click();
  await s.page.getByRole('heading', { name: 'Timeline' }).evaluate((e) => window.scrollTo(0, e.getBoundingClientRect().top + scrollY - 72));
  await keep('restarts');
});

test('terminal', async () => {
  const [one] = await living('greeter', 1);
  await open(`/allocations/${one!.ID}/exec`);
  await s.page.getByRole('button', { name: 'Open the shell' }).click();
  await seen('Connected.');
  await s.page.keyboard.type('ps; env | grep NOMAD_ | sort | head -8\n');
  await s.page.locator('.xterm-rows').getByText('NOMAD_ALLOC_ID').first().waitFor();
  await keep('terminal');
});

test('plan', async () => {
  await open('/jobs/run?job=gateway', { theme: 'dark' });
  await s.page.getByLabel('Job file').fill(gateway(4, 2));
  await s.page.getByRole('button', { name: 'Plan' }).click();
  await seen('All allocations can be placed.');
  await s.page.getByRole('button', { name: 'Run gateway' }).scrollIntoViewIfNeeded();
  await keep('plan');
});

test('palette', async () => {
  await open('/jobs', { theme: 'dark' });
  await seen('storefront');
  await s.page.keyboard.press('Control+k');
  await s.page.getByRole('combobox', { name: /^Search jobs, allocations/ }).waitFor();
  await s.page.keyboard.type('shop');
  await s.page.getByRole('option', { name: /shop.cache/ }).first().waitFor();
  await keep('palette');
});

test('jobs and topology', { timeout: 300_000 }, async () => {
  const mine = agent;
  let fleet: ChildProcess | undefined;
  try {
    agent = await OwnAgent.start('name = "demo-1"\nserver {\n  enabled = true\n}\n', true);
    fleet = start(['sim', 'nodes', '-servers', agent.rpc, '-count', '1000', '-cpu', '1000', '-memory', '2048']);
    await until(() => api<object[]>('/v1/nodes', undefined, 'GET', agent.address), (l) => l.length > 1000);
    await api('/v1/operator/scheduler/configuration', { SchedulerAlgorithm: 'spread' }, 'PUT', agent.address);
    const next = many().values();
    await Promise.all(Array.from({ length: 4 }, async () => { for (const job of next) await run(job, agent.address); }));
    await until(() => api<object[]>('/v1/evaluations?status=pending&namespace=*', undefined, 'GET', agent.address), (l) => l.length === 0);
    await open('/jobs');
    await s.page.getByRole('link', { name: 'Next page' }).click();
    await seen(/more before and after/);
    await wait(3);
    await keep('jobs');
    const [hit] = await living(named, 1);
    const { NodeID } = await api<{ NodeID: string }>(`/v1/allocation/${hit!.ID}`, undefined, 'GET', agent.address);
    await open(`/topology?client=${NodeID}&job=${named}`, { theme: 'dark', width: 1440, height: 900 });
    await s.page.locator('[data-kind="job"]').last().waitFor();
    await s.page.locator('[data-hit="true"]').first().scrollIntoViewIfNeeded();
    await wait(2);
    await keep('topology');
  } finally {
    await end(fleet);
    await agent.remove();
    agent = mine;
  }
});
