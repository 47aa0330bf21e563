// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, api, deployed, purge, run, running, until, type Alloc } from './agent';
import { Screen } from './browser';
import { service } from './jobs';
import { Proxy } from './proxy';

let proxy: Proxy;
beforeEach(anew);
beforeEach(async () => {
  proxy = await Proxy.start('/clusters/one');
});
afterEach(() => proxy.stop());

test('the interface works below a prefix', async () => {
  await run(service('prefixed', 1));
  await running('prefixed');
  const s = await Screen.open('/jobs/prefixed@default/versions', {}, proxy.front);
  const { page } = s;
  await page.getByRole('heading', { name: 'Version 0' }).waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.waitForURL(`${proxy.front}/ui/jobs/prefixed@default`);
  await page.getByText('1 of 1 running').waitFor();
  await page.getByRole('link', { name: /^Allocation / }).first().click();
  await page.getByRole('heading', { name: /prefixed\.web/ }).waitFor();
  await page.reload();
  await page.getByRole('link', { name: 'Logs' }).click();
  await page.getByRole('log', { name: 'Log' }).getByText(/hello \d/).first().waitFor();
  await page.goBack();
  await page.getByText('Timeline').waitFor();
  await s.done();
  await purge('prefixed');
});

test('without the event stream the page asks again, and says so', async () => {
  proxy.rule = (_, path) => (path.startsWith('/v1/event/stream') ? { status: 403, text: 'Permission denied' } : undefined);
  await run(service('polled', 1));
  await deployed('polled');
  const s = await Screen.open('/jobs/polled@default', {}, proxy.front);
  const { page } = s;
  await page.getByText('live, slowly').waitFor();
  await page.getByText('1 of 1 running').waitFor();
  await api('/v1/job/polled/scale', { Target: { Group: 'web' }, Count: 2 });
  await page.getByText('2 of 2 running').waitFor();
  await page.getByRole('link', { name: 'Jobs', exact: true }).first().click();
  await page.getByRole('link', { name: 'polled', exact: true }).waitFor();
  await purge('polled');
  await page.getByRole('link', { name: 'polled', exact: true }).waitFor({ state: 'detached' });
  s.forgive(/event\/stream/);
  await s.done();
});

test('what the token may not do is switched off and says what is missing', async () => {
  proxy.rule = (method, path) => (method === 'PUT' && /^\/v1\/job\/guarded\/scale/.test(path) ? { status: 403, text: 'Permission denied' } : path.startsWith('/v1/nodes') ? { status: 403, text: 'Permission denied' } : undefined);
  await run(service('guarded', 1));
  await deployed('guarded');
  const s = await Screen.open('/jobs/guarded@default', {}, proxy.front);
  const { page } = s;
  const scale = page.getByRole('button', { name: 'Scale group web' });
  await scale.click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Allocations').fill('2');
  await dialog.getByRole('button', { name: 'Scale' }).click();
  await page.getByRole('alert').getByText(/^Permission denied: this needs a token with .*scale-job/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave it' }).click();
  expect(await scale.getAttribute('aria-disabled')).toBe('true');
  expect(await scale.getAttribute('title')).toContain('scale-job');
  await page.getByRole('alert').getByRole('button', { name: 'Dismiss' }).click();
  await scale.focus();
  await page.keyboard.press('Enter');
  await page.getByText('Not allowed').waitFor();
  s.forgive(/403/);
  await s.shot('denied-light-1280');
  await s.check();

  // Another token may be allowed more.
  proxy.rule = (_, path) => (path.startsWith('/v1/nodes') ? { status: 403, text: 'Permission denied' } : undefined);
  await page.getByRole('button', { name: 'Token: none' }).click();
  await page.getByLabel('Secret ID').fill('00000000-0000-0000-0000-000000000002');
  await page.getByRole('button', { name: 'Use this token' }).click();
  await scale.click();
  await dialog.getByLabel('Allocations').fill('2');
  await dialog.getByRole('button', { name: 'Scale' }).click();
  await page.getByText('2 of 2 running').waitFor();

  await page.getByRole('link', { name: 'Clients', exact: true }).click();
  await page.getByText('Permission denied: this needs a token with node:read.').waitFor();
  await page.getByRole('button', { name: 'Use another token' }).click();
  await page.getByRole('dialog').getByLabel('Secret ID').waitFor();
  s.forgive(/403/);
  await s.done();
  await purge('guarded');
});

test('a hidden tab reads nothing, and catches up when it is looked at', async () => {
  await run(service('unseen', 1));
  await deployed('unseen');
  const s = await Screen.open('/jobs/unseen@default', {}, proxy.front);
  const { page } = s;
  await page.getByText('1 of 1 running').waitFor();
  await page.locator('[data-live="events"]').waitFor();
  const asked: string[] = [];
  const note = (path: string) => void asked.push(path);
  const show = (state: 'hidden' | 'visible') =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value });
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value === 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await show('hidden');
  await page.locator('[data-live="paused"]').waitFor();
  proxy.rule = (_, path) => {
    note(path);
    return undefined;
  };
  await api('/v1/job/unseen/scale', { Target: { Group: 'web' }, Count: 2 });
  await until(
    () => api<Alloc[]>('/v1/job/unseen/allocations'),
    (l) => l.filter((a) => a.ClientStatus === 'running').length === 2,
  );
  await page.getByText('1 of 1 running').waitFor();
  expect(asked).toEqual([]);
  await show('visible');
  await page.getByText('2 of 2 running').waitFor();
  await page.locator('[data-live="events"]').waitFor();
  await s.done();
  await purge('unseen');
});

test('a slow server is waited for, and a broken line recovers by itself', async () => {
  await run(service('slow', 1));
  await running('slow');
  proxy.rule = (_, path) => (path.startsWith('/v1/jobs?') || path === '/v1/jobs' || path.startsWith('/v1/jobs/statuses') ? { wait: 3000 } : undefined);
  const s = await Screen.open('/jobs', {}, proxy.front);
  const { page } = s;
  await page.getByText('Loading…').waitFor();
  await page.getByRole('link', { name: 'slow', exact: true }).waitFor();
  await page.locator('[data-live="events"]').waitFor();
  proxy.rule = () => ({ status: 502, text: '<html>bad gateway</html>' });
  proxy.cut();
  await page.getByText('The agent cannot be reached.', { exact: false }).waitFor();
  await page.getByRole('link', { name: 'slow', exact: true }).waitFor();
  await purge('slow');
  proxy.rule = () => undefined;
  await page.getByText('The agent cannot be reached.', { exact: false }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'slow', exact: true }).waitFor({ state: 'detached' });
  s.forgive(/502|net::ERR/);
  await s.done();
});

test('a screen whose files could not be read comes, with its styles, when they can be', async () => {
  proxy.rule = (_, path) => (/topology-.*\.css$/.test(path) ? { status: 503, text: 'not now' } : undefined);
  const s = await Screen.open('/jobs', {}, proxy.front);
  const { page } = s;
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await page.getByRole('link', { name: 'Topology' }).click();
  await page.getByText('This screen failed.').waitFor();
  proxy.rule = () => undefined;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('button[data-tile]').first().waitFor();
  expect(await page.locator('ul:has(button[data-tile])').first().evaluate((e) => getComputedStyle(e).display)).toBe('grid');
  s.forgive(/503|Unable to preload CSS/);
  await s.done();
});
