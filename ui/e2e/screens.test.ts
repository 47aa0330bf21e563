// SPDX-License-Identifier: MPL-2.0
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api, run, running, until, type Alloc } from './agent';
import { Screen } from './browser';
import { failing, parameterized, service, unplaceable } from './jobs';
import { Proxy } from './proxy';

// Every screen in both themes, on a desktop and on the narrowest telephone; and by its address alone, below a prefix.

let alloc = '';
let failed = '';
let node = '';
let server = '';
let evaluation = '';

beforeAll(async () => {
  await run(service('shown'));
  await run(service('shown', 2, 'second'));
  await run(unplaceable('stuck'));
  await run(failing('broken'));
  await run(parameterized('on-demand'));
  alloc = (await until(() => running('shown', 2), (l) => l.every((a) => a.JobVersion === 1)))[0]!.ID;
  node = (await api<{ ID: string }[]>('/v1/nodes'))[0]!.ID;
  server = (await api<{ Members: { Name: string }[] }>('/v1/agent/members')).Members[0]!.Name;
  evaluation = (await until(() => api<{ ID: string; FailedTGAllocs?: object }[]>('/v1/job/stuck/evaluations'), (l) => l.some((e) => e.FailedTGAllocs))).find((e) => e.FailedTGAllocs)!.ID;
  failed = (await until(() => api<Alloc[]>('/v1/job/broken/allocations'), (a) => a.some((x) => x.ClientStatus === 'failed')))[0]!.ID;
});

const screens: [name: string, path: () => string, text: string | RegExp][] = [
  ['jobs', () => '/jobs', 'stuck'],
  ['job', () => '/jobs/shown@default', /of 2/],
  ['job-stuck', () => '/jobs/stuck@default', /Why not placed/],
  ['job-broken', () => '/jobs/broken@default', /Why it fails/],
  ['job-definition', () => '/jobs/shown@default/definition', /raw_exec/],
  ['job-json', () => '/jobs/shown@default/definition?form=json', /"TaskGroups"/],
  ['job-versions', () => '/jobs/shown@default/versions', /Version 0/],
  ['job-evaluations', () => '/jobs/shown@default/evaluations', /Triggered by|Created/],
  ['run', () => '/jobs/run', /Job file/],
  ['edit', () => '/jobs/run?job=shown', 'Job file'],
  ['services', () => '/services', /No services|1 service/],
  ['evaluations', () => '/evaluations', /evaluations/],
  ['evaluation-stuck', () => `/evaluations/${evaluation}`, /Why not placed/],
  ['clients', () => '/clients', '1 client'],
  ['client', () => `/clients/${node}`, 'attr.kernel.name'],
  ['servers', () => '/servers', 'leader'],
  ['server', () => `/servers/${server}`, 'rpc_addr'],
  ['topology', () => `/topology?client=${node}&job=shown`, /shown\.web/],
  ['cluster', () => '/cluster', /Waiting for room/],
  ['allocations', () => '/allocations', /shown/],
  ['allocation', () => `/allocations/${alloc}`, /Timeline/],
  ['allocation-failed', () => `/allocations/${failed}`, /Exit Code: 3/],
  ['logs', () => `/allocations/${alloc}/logs?task=*&type=both`, /warn \d/],
  ['job-logs', () => '/jobs/shown@default/logs', /second/],
  ['files', () => `/allocations/${alloc}/files?path=%2Falloc%2Flogs`, /server\.stdout\.0/],
  ['file', () => `/allocations/${alloc}/files?path=%2Falloc%2Flogs%2Fserver.stderr.0`, /warn 1/],
  ['exec', () => `/allocations/${alloc}/exec`, /opens a shell/],
  ['allocation-placement', () => `/allocations/${alloc}/placement`, /Why not elsewhere/],
];

const looks = [
  { theme: 'light', width: 1280 },
  { theme: 'dark', width: 1280 },
  { theme: 'light', width: 320, height: 640 },
  { theme: 'dark', width: 320, height: 640 },
] as const;

let screen: Screen;
beforeAll(async () => {
  screen = await Screen.open('/jobs');
});
afterAll(() => screen.close());

const shows = (s: Screen, text: string | RegExp) => s.page.locator('main').getByText(text).filter({ visible: true }).first().waitFor();

test.each(screens)('%s', async (name, path, text) => {
  await screen.look(looks[0]);
  await screen.go(path());
  await shows(screen, text);
  for (const [i, look] of looks.entries()) {
    // Every theme and every size once; the other combinations are for pictures.
    const judged = i === 0 || i === looks.length - 1;
    if (!judged && !process.env.SHOTS) continue;
    await screen.look(look);
    await screen.shot(`${name}-${look.theme}-${look.width}`);
    if (judged) await screen.check();
    const cut = await screen.page.evaluate(() => [...document.querySelectorAll('main [role=group]:has(> table)')].filter((t) => t.scrollWidth > t.clientWidth).map((t) => t.getAttribute('aria-label')));
    expect(cut, `tables that do not fit ${look.width} pixels`).toEqual([]);
  }
});

test('what stands in the way comes before what would help, and a likely mistake before both', async () => {
  await run(unplaceable('mistaken').replace('group "db"', 'datacenters = ["dc2"]\n  group "db"'));
  await screen.look(looks[0]);
  await screen.go('/jobs/mistaken@default');
  const why = screen.page.getByRole('region', { name: /Why not placed/ });
  await why.getByText('No node is in the datacenter dc2; did you mean dc1?').first().waitFor();
  expect(await why.getByRole('heading', { level: 3 }).allTextContents()).toEqual([
    ...['Perhaps a mistake in the job', 'What stands in the way', 'Any one of these would place it'],
    ...['Perhaps a mistake in the job', 'What stands in the way', 'Any one of these would place at least one allocation'],
  ]);
  await screen.check();
});

test('the counts of a group agree', async () => {
  await screen.look(looks[0]);
  await screen.go('/jobs/shown@default');
  await shows(screen, '2 of 2 running, 2 healthy');
  const legend = screen.page.getByRole('region', { name: 'Groups' }).getByRole('listitem', { includeHidden: true });
  expect(await legend.allTextContents()).toEqual(['2 healthy', '0 not healthy yet', '0 starting', '0 failed', '0 lost', '0 not placed']);
});

test('the icons of the header have names, and tips or words', async () => {
  await screen.go('/jobs');
  const tools = ['Search and commands', 'Show absolute times', 'Use the dark theme', 'Token: none'].map((name) => screen.page.getByRole('banner').getByRole('button', { name, exact: true }));
  await screen.look({ width: 1440 });
  expect(await Promise.all(tools.map((t) => t.innerText()))).toEqual(['Search', 'Absolute times', 'Dark theme', 'Token: none']);
  await screen.look({ width: 390 });
  const tip = (e: Element) => {
    const s = getComputedStyle(e, '::after');
    return s.display === 'none' ? '' : s.content;
  };
  for (const t of tools) {
    expect(await t.innerText()).toBe('');
    expect(await t.evaluate(tip)).toBe('');
    await t.hover();
    expect(await t.evaluate(tip)).toBe(JSON.stringify(await t.getAttribute('data-tip')));
    await screen.check();
  }
  await screen.page.mouse.move(0, 400);
});

test('every screen is reached by its address alone, below a prefix', { timeout: 180_000 }, async () => {
  const proxy = await Proxy.start('/clusters/one');
  const s = await Screen.open('/jobs', {}, proxy.front);
  for (const [, path, text] of screens) {
    await s.go(path());
    await shows(s, text);
  }
  await s.done();
  proxy.stop();
});
