// SPDX-License-Identifier: MPL-2.0
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api, run, until } from './agent';
import { Screen } from './browser';
import { end, OwnAgent, start } from './own-agent';
import { Proxy } from './proxy';

// A cluster of a thousand simulated clients, with a thousand jobs and ten thousand allocations. Figures are printed;
// what is asserted is what does not depend on the machine: rows that exist at a time, and bytes that are sent.

const nodes = 1000;
const jobs = 1000;
const count = 10;

let agent: OwnAgent;
let fleet: ChildProcess | undefined;

const job = (n: number) => `
job "sim-${String(n).padStart(4, '0')}" {
  group "web" {
    count = ${count}
    update {
      max_parallel = 0
    }
    task "server" {
      driver = "mock_driver"
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
`;

beforeAll(async () => {
  agent = await OwnAgent.start('', true);
  fleet = start(['sim', 'nodes', '-servers', agent.rpc, '-count', String(nodes)]);
  await until(
    () => api<object[]>('/v1/nodes', undefined, 'GET', agent.address),
    (l) => l.length > nodes,
  );
  const next = Array.from({ length: jobs }, (_, i) => i).values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const n of next) await run(job(n), agent.address);
    }),
  );
  await until(
    async () => (await api<{ ClientStatus: string }[]>('/v1/allocations?task_states=false', undefined, 'GET', agent.address)).filter((a) => a.ClientStatus === 'running').length,
    (n) => n >= jobs * count,
  );
}, 300_000);
afterAll(async () => {
  await end(fleet);
  await agent?.remove();
});

/** Opens a page and says how long it took until something of the cluster was seen, until all was there, and what came over the line. */
async function measure(path: string, what: string, whole: (s: Screen) => Promise<unknown>): Promise<{ s: Screen; bytes: number }> {
  const s = await Screen.open(path, { await: what }, agent.address);
  const seen = await s.seen();
  await whole(s);
  const { bytes, all } = await s.page.evaluate(() => {
    const entries = [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')] as PerformanceResourceTiming[];
    return { bytes: entries.reduce((n, e) => n + e.transferSize, 0), all: performance.now() };
  });
  console.log(`${path}: seen ${Math.round(seen)} ms after the navigation began, all of it within ${Math.round(all)} ms, ${Math.round(bytes / 1024)} KiB over the line`);
  return { s, bytes };
}

/** Scrolls from end to end and says what the frames took. */
async function scroll(s: Screen, what: string) {
  const frames = await s.page.evaluate(async () => {
    const times: number[] = [];
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
      window.scrollTo(0, ((document.documentElement.scrollHeight - innerHeight) * i) / 119);
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  console.log(`${what}: ${frames.length} frames scrolled, median ${frames[60]!.toFixed(1)} ms, worst ${frames[119]!.toFixed(1)} ms`);
}

const row = (s: Screen, text: string) => s.page.getByRole('link', { name: text, exact: true });

test('a thousand jobs', async () => {
  const { s, bytes } = await measure('/jobs', 'tbody a', (p) => p.page.getByText('1,000 jobs').waitFor());
  await s.page.getByText('10/10').first().waitFor();
  expect(bytes).toBeLessThan(500 << 10);
  expect(await s.page.locator('tbody tr').count()).toBeLessThan(100);
  await scroll(s, 'jobs');
  await row(s, 'sim-0999').waitFor();
  await s.page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].slice(-3).every((r) => r.textContent?.includes('10/10')));
  expect(await s.page.locator('tbody tr').count()).toBeLessThan(100);
  await s.page.evaluate(() => window.scrollTo(0, 0));
  await s.shot('scale-jobs-light-1280');
  await s.done();
});

test('ten thousand allocations', async () => {
  const { s, bytes } = await measure('/allocations', 'tbody a', (p) => p.page.getByText('10,000 allocations').waitFor());
  expect(bytes).toBeLessThan(2 << 20);
  await scroll(s, 'allocations');
  expect(await s.page.locator('tbody tr').count()).toBeLessThan(100);
  await s.page.getByRole('searchbox').fill('sim-0042.');
  await s.page.getByText('10 of 10,000 allocations').waitFor();
  await s.done();
});

test('a map of a thousand clients', async () => {
  const { s } = await measure('/topology?job=sim-0042', 'button[data-tile]', (p) => p.page.locator('[data-kind="job"]').last().waitFor());
  await s.shot('scale-topology-light-1280');
  await s.page.getByLabel(/^sim/).first().click();
  await s.page.waitForURL(/client=/);
  await s.done();
});

test('the map is drawn before all allocations are known', async () => {
  const proxy = await Proxy.start('', agent.address);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  proxy.rule = (_, path) => (path.startsWith('/v1/allocations') ? { wait: held } : undefined);
  const s = await Screen.open('/topology', {}, proxy.front);
  const { page } = s;
  await page.getByText('Reading what runs on them…').waitFor();
  await page.getByLabel(/^sim/).first().click();
  await page.waitForURL(/client=/);
  expect(await page.locator('button[data-tile]').count()).toBeGreaterThan(nodes);
  await page.getByText('CPU 0 MHz of', { exact: false }).first().waitFor();
  release();
  await page.getByText('Reading what runs on them…').waitFor({ state: 'detached' });
  await page.locator('button[data-tile]:not([aria-label*=" 0 allocations"])').first().waitFor();
  await s.done();
  proxy.stop();
});

test('a thousand clients', async () => {
  const { s, bytes } = await measure('/clients', 'tbody a', (p) => p.page.getByText(/1,00\d clients/).waitFor());
  expect(bytes).toBeLessThan(2 << 20);
  await scroll(s, 'clients');
  expect(await s.page.locator('tbody tr').count()).toBeLessThan(100);
  await s.done();
});
