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

/** What the page asked the API for, by path and query. */
function asked(s: Screen): URL[] {
  const urls: URL[] = [];
  s.page.on('request', (r) => urls.push(new URL(r.url())));
  return urls;
}

const first = (s: Screen) => s.page.locator('tbody tr').first().getByRole('link').first();
const begins = (s: Screen, name: string) => s.page.waitForFunction((n) => document.querySelector('tbody a')?.textContent === n, name);

/** Turns the page by its key, which does nothing until it is known that there is such a page. */
const turn = async (s: Screen, key: '[' | ']') => {
  await s.page.locator(`main a[rel="${key === '[' ? 'prev' : 'next'}"]:not([aria-disabled="true"])`).waitFor();
  await s.page.keyboard.press(key);
};

test('a thousand jobs', async () => {
  const { s, bytes } = await measure('/jobs', 'tbody a', (p) => p.page.getByText('The first 50 jobs').waitFor());
  await s.page.getByText('10/10').nth(49).waitFor();
  expect(bytes).toBeLessThan(400 << 10);
  expect(await s.page.locator('tbody tr').count()).toBe(50);
  await s.shot('scale-jobs-light-1280');
  await s.done();
});

test('jobs are read a page at a time, and every page has its address', async () => {
  const s = await Screen.open('/jobs', {}, agent.address);
  const urls = asked(s);
  const link = (name: string) => s.page.getByRole('link', { name, exact: true });
  await begins(s, 'sim-0000');
  expect(await link('Previous page').getAttribute('aria-disabled')).toBe('true');
  // By mouse, by keys, and back as the browser goes back.
  await link('Next page').click();
  await begins(s, 'sim-0050');
  await s.page.getByText('50 jobs, more before and after').waitFor();
  await turn(s, ']');
  await begins(s, 'sim-0100');
  await s.page.locator('main a[rel="prev"]:not([aria-disabled="true"])').focus();
  await s.page.keyboard.press('Enter');
  await begins(s, 'sim-0050');
  expect(await s.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Previous page');
  await s.page.goBack();
  await begins(s, 'sim-0100');
  await s.check();
  await s.look({ theme: 'dark', width: 320, height: 640 });
  await s.shot('scale-jobs-page-dark-320');
  await s.check();
  await s.look({});
  // The address alone leads there, and from there to the page before.
  const other = await Screen.open(new URL(s.page.url()).pathname.replace('/ui', '') + new URL(s.page.url()).search, {}, agent.address);
  await begins(other, 'sim-0100');
  await turn(other, '[');
  await begins(other, 'sim-0050');
  await other.done();
  // What changes the list begins at its beginning; the end is known when it is reached.
  await s.page.getByLabel('Rows on a page').selectOption('200');
  await begins(s, 'sim-0000');
  await s.page.getByText('The first 200 jobs').waitFor();
  await s.page.getByRole('searchbox').fill('SIM-09');
  await s.page.getByText('100 jobs', { exact: true }).waitFor();
  await begins(s, 'sim-0900');
  await s.page.getByLabel('Rows on a page').selectOption('50');
  await link('Next page').click();
  await begins(s, 'sim-0950');
  await s.page.getByText('The last 50 jobs').waitFor();
  expect(await link('Next page').getAttribute('aria-disabled')).toBe('true');
  await turn(s, '[');
  await begins(s, 'sim-0900');
  // The server turns the order round.
  await s.page.getByRole('button', { name: 'Name' }).click();
  await begins(s, 'sim-0999');
  await s.page.getByRole('searchbox').fill('');
  await s.page.waitForURL((u) => !u.searchParams.has('q'));
  await s.page.getByText('The first 50 jobs').waitFor();
  await link('Next page').click();
  await begins(s, 'sim-0949');
  const lists = urls.filter((u) => u.pathname === '/v1/jobs');
  expect(lists.length).toBeGreaterThan(8);
  expect(lists.filter((u) => !(Number(u.searchParams.get('per_page')) <= 200))).toEqual([]);
  await s.done();
});

test('filters of the jobs are those of the server, and the page that is shown follows what happens', async () => {
  const s = await Screen.open('/jobs?q=sim-0&page=default.sim-0500', {}, agent.address);
  await begins(s, 'sim-0500');
  await s.page.getByText('10/10').nth(49).waitFor();
  await api('/v1/job/sim-0510', undefined, 'DELETE', agent.address);
  await s.page.locator('tbody tr', { hasText: 'sim-0510' }).getByText('stopped').waitFor();
  await s.page.getByLabel('Status').selectOption('stopped');
  await s.page.getByText('1 job', { exact: true }).waitFor();
  await begins(s, 'sim-0510');
  await s.page.getByLabel('Type').selectOption('batch');
  await s.page.getByText('No job matches').waitFor();
  await s.page.getByRole('button', { name: 'Clear the filters' }).click();
  await begins(s, 'sim-0000');
  await s.page.getByLabel('Status').selectOption('running');
  await s.page.getByText('The first 50 jobs').waitFor();
  // A page whose jobs are gone says so.
  await s.go('/jobs?q=sim-0&page=default.zzz');
  await s.page.getByText('Nothing is on this page any more').waitFor();
  await s.page.getByRole('main').getByRole('link', { name: /^To the/ }).click();
  await s.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 50);
  await s.check();
  // What is in a name is text to the filter as well.
  await s.page.getByRole('searchbox').fill('a"b\\c.*(');
  await s.page.getByText('No job matches').waitFor();
  await s.done();
});

test('evaluations are read a page at a time, the newest first', async () => {
  const s = await Screen.open('/evaluations', {}, agent.address);
  const urls = asked(s);
  await s.page.getByText('The first 50 evaluations').waitFor();
  const newest = await first(s).textContent();
  await turn(s, ']');
  await s.page.getByText('50 evaluations, more before and after').waitFor();
  await turn(s, '[');
  // Newer ones may have come meanwhile.
  await s.page.locator('tbody').getByText(newest!).waitFor();
  await s.page.getByRole('button', { name: 'Created' }).click();
  await s.page.waitForFunction((n) => document.querySelector('tbody a')?.textContent !== n, newest);
  await s.page.getByRole('searchbox').fill('sim-0042');
  await s.page.getByLabel('Trigger').selectOption('job-register');
  await s.page.getByText('1 evaluation', { exact: true }).waitFor();
  expect(urls.filter((u) => u.pathname === '/v1/evaluations' && !u.searchParams.get('per_page'))).toEqual([]);
  await s.done();
});

test('the palette finds one of many jobs, and does not read them all', async () => {
  const s = await Screen.open('/clients', {}, agent.address);
  const urls = asked(s);
  await s.page.getByRole('heading', { name: 'Clients' }).waitFor();
  await s.page.keyboard.press('Control+k');
  await s.page.keyboard.type('sm0777');
  await s.page.getByRole('option', { name: /sim-0777/ }).waitFor();
  await s.page.keyboard.press('Enter');
  await s.page.getByRole('heading', { name: 'sim-0777' }).waitFor();
  expect(urls.filter((u) => u.pathname === '/v1/jobs' && !u.searchParams.get('per_page'))).toEqual([]);
  await s.done();
});

test('ten thousand allocations', async () => {
  const { s, bytes } = await measure('/allocations', 'tbody a', (p) => p.page.getByText('10,000 allocations').waitFor());
  expect(bytes).toBeLessThan(2 << 20);
  await scroll(s, 'allocations');
  expect(await s.page.locator('tbody tr').count()).toBeLessThan(100);
  // Where the scrolling ends every row that is drawn is in its place, once.
  await s.page.waitForFunction(() => {
    const at = [...document.querySelectorAll('tbody tr')].map((r) => Number(r.getAttribute('aria-rowindex'))).sort((a, b) => a - b);
    return at.at(-1) === 10_001 && at.every((n, i) => n === at[0]! + i);
  });
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
