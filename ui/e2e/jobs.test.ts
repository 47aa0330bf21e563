// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, api, purge, run, running, until, type Alloc } from './agent';
import { Screen } from './browser';
import { failing, service, unplaceable } from './jobs';

let s: Screen;
beforeEach(anew);
beforeEach(async () => {
  s = await Screen.open('/jobs');
});
afterEach(() => s.done());

const button = (name: string | RegExp) => s.page.getByRole('button', { name, exact: typeof name === 'string' });
const heading = (name: string | RegExp) => s.page.getByRole('heading', { name });

async function type(label: string, text: string) {
  await s.page.getByLabel(label).fill(text);
}

test('a job is planned, run, edited, reverted, stopped, started and purged', async () => {
  await s.page.getByRole('link', { name: 'Run a job' }).first().click();
  await type('Job file', service('flow', 1).replace('count = 1', 'cuont = 1'));
  await button('Plan').click();
  const mistake = s.page.getByRole('alert').getByText(/cuont/).first();
  await mistake.waitFor();
  await button('Line 7').click();
  expect(await s.page.evaluate(() => String(getSelection()))).toContain('cuont');
  s.forgive(/400/);

  await type('Job file', service('flow', 1));
  await button('Plan').click();
  await s.page.getByText('1 created').waitFor();
  await s.page.getByText('All allocations can be placed.').waitFor();
  await s.shot('plan-light-1280');
  await s.check();
  await button('Run flow').click();
  await heading('flow').waitFor();
  await s.page.getByText('1 of 1 running').waitFor();

  await s.page.getByRole('link', { name: 'Edit' }).click();
  const file = s.page.getByLabel('Job file');
  await file.waitFor();
  await file.fill((await file.inputValue()).replace('hello', 'good bye'));
  await button('Plan').click();
  await s.page.getByText('1 replaced').waitFor();
  await s.page.locator('ins', { hasText: 'good bye' }).waitFor();
  await button('Run flow').click();
  await s.page.getByRole('link', { name: /^Versions/ }).click();
  await button('Revert to version 0').click();
  await button('Revert').click();
  await heading('Version 2').waitFor();

  await button('Stop').click();
  await button('Stop the job').click();
  await button('Start again').click();
  await button('Stop').click();
  await s.page.getByLabel(/Purge/).check();
  await button('Stop and purge').click();
  await heading('Jobs').waitFor();
  await s.page.getByRole('link', { name: 'flow', exact: true }).waitFor({ state: 'detached' });
  s.forgive(/404.*flow/); // the page may hear that the job is gone before it leaves
});

test('a list is narrowed by what is in the address', async () => {
  await run(service('narrow-a', 1));
  await run(service('narrow-b', 1));
  await s.page.getByRole('link', { name: 'narrow-b', exact: true }).waitFor();
  await s.page.getByRole('searchbox', { name: 'Search jobs' }).fill('narrow-a');
  await s.page.getByRole('link', { name: 'narrow-b', exact: true }).waitFor({ state: 'detached' });
  await s.page.waitForURL(/q=narrow-a/);
  await s.page.reload();
  await s.page.getByText('1 job', { exact: true }).waitFor();
  await s.page.getByRole('button', { name: 'Priority' }).click();
  await s.page.waitForURL(/sort=priority/);
  await s.page.getByRole('searchbox', { name: 'Search jobs' }).fill('no such job');
  await button('Clear the filters').click();
  await s.page.getByRole('link', { name: 'narrow-b', exact: true }).waitFor();
  await purge('narrow-a');
  await s.page.getByRole('link', { name: 'narrow-a', exact: true }).waitFor({ state: 'detached' });
  await purge('narrow-b');
});

test('jobs that are not placed and jobs that fail are found by their state', async () => {
  await run(unplaceable('roomless'));
  await run(failing('hapless'));
  await run(service('carefree', 1));
  const link = (name: string) => s.page.getByRole('link', { name, exact: true });
  const state = s.page.getByLabel('Status');
  await link('carefree').waitFor();
  await state.selectOption({ label: 'not all placed' });
  await link('carefree').waitFor({ state: 'detached' });
  await link('roomless').waitFor();
  expect(await link('hapless').count()).toBe(0);
  await state.selectOption({ label: 'with failed allocations' });
  await link('roomless').waitFor({ state: 'detached' });
  await link('hapless').waitFor();
  await s.page.reload();
  await link('hapless').waitFor();
  expect(await link('carefree').count()).toBe(0);
  await s.check();
  // It goes when it has no failed allocation any more.
  await purge('hapless');
  await link('hapless').waitFor({ state: 'detached' });
  await s.go('/jobs');
  await link('carefree').waitFor();
  for (const id of ['roomless', 'carefree']) await purge(id);
});

test('names with markup and slashes are text', async () => {
  const id = 'a/<b>bold<\\/b>&amp;"';
  const job = await api<Record<string, unknown>>('/v1/jobs/parse', { JobHCL: service('x', 0), Canonicalize: true });
  await api('/v1/jobs', { Job: { ...job, ID: id, Name: '<img src=x onerror=alert(1)>' } });
  await s.page.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).click();
  await heading('<img src=x onerror=alert(1)>').waitFor();
  await s.page.getByText(id, { exact: true }).first().waitFor();
  await s.page.getByRole('link', { name: /^Evaluations/ }).last().click();
  await s.page.reload();
  await heading('<img src=x onerror=alert(1)>').waitFor();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge(id);
});

test('the palette finds jobs by name and allocations by ID, and the page comes back when the agent does', async () => {
  await run(service('needle', 1));
  const alloc = (await running('needle'))[0]!;
  await s.page.keyboard.press('Control+k');
  await s.page.getByRole('combobox', { name: /^Search jobs, allocations/ }).waitFor();
  await s.page.keyboard.type('need');
  await s.page.getByRole('option', { name: /needle/ }).first().waitFor();
  await s.shot('palette-light-1280');
  await s.check();
  await s.page.keyboard.press('Enter');
  await heading('needle').waitFor();
  await s.page.keyboard.press('Control+k');
  await s.page.getByRole('combobox', { name: /^Search jobs, allocations/ }).waitFor();
  await s.page.keyboard.type(alloc.ID.slice(0, 8));
  await s.page.getByRole('option', { name: /Allocation, running/ }).waitFor();
  await s.page.keyboard.press('Enter');
  await heading(/needle\.web/).waitFor();

  await s.page.context().setOffline(true);
  await s.page.getByText('The agent cannot be reached.', { exact: false }).waitFor();
  await s.shot('offline-light-1280');
  await purge('needle');
  await s.page.context().setOffline(false);
  await s.page.getByText('The agent cannot be reached.', { exact: false }).waitFor({ state: 'detached' });
  await s.page.getByText('complete').first().waitFor();
  s.forgive(/ERR_INTERNET_DISCONNECTED|net::ERR|No path|404|Unknown allocation/);
});

test('no key is lost while the palette opens, and it begins anew while it closes', async () => {
  await run(service('prompt', 1));
  await running('prompt');
  await s.page.getByRole('link', { name: 'prompt', exact: true }).waitFor();
  const field = s.page.getByRole('combobox', { name: /^Search jobs, allocations/ });
  const text = () => field.inputValue();
  await s.page.keyboard.press('Control+k');
  await s.page.keyboard.type('prompt');
  expect(await text()).toBe('prompt');
  await s.page.keyboard.press('Escape');
  await s.page.keyboard.press('Control+k');
  await s.page.keyboard.type('topo');
  expect(await text()).toBe('topo');
  await s.page.keyboard.press('Enter');
  await heading('Topology').waitFor();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('prompt');
});

test('a job that fails says why, and leads to what it wrote', async () => {
  await run(failing('unlucky'));
  await s.page.getByRole('link', { name: 'unlucky', exact: true }).click();
  const why = s.page.getByRole('region', { name: 'Why it fails' });
  await why.getByText('Group work: task work failed').waitFor();
  await why.getByText(/Exit Code: 3/).waitFor();
  await s.shot('job-failing-light-1280');
  await s.check();
  await why.getByRole('link', { name: 'What it wrote' }).click();
  await s.page.getByRole('log', { name: 'Log' }).getByText('giving up').first().waitFor();
  await s.page.getByText(/^nomadlike alloc status [0-9a-f]{8}$/).waitFor();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('unlucky');
});

test('rounds of restarts are one step of the timeline', async () => {
  await run(failing('crashing').replace('attempts = 1', 'attempts = 3').replaceAll('delay    = "1s"', 'delay    = "100ms"'));
  const alloc = (await until(() => api<Alloc[]>('/v1/job/crashing/allocations'), (l) => l.some((a) => a.ClientStatus === 'failed')))[0]!;
  await s.go(`/allocations/${alloc.ID}`);
  const round = s.page.getByRole('listitem').filter({ hasText: /^(\+\S+)?(Started, Terminated, Restarting|Restarting, Started, Terminated) × [23]/ });
  await round.getByText('Exit Code: 3').first().waitFor();
  await round.getByText('Each of them').click();
  await round.getByText(/Task restarting in/).nth(1).waitFor();
  await s.check();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('crashing');
});

test('a list of jobs shows each group', async () => {
  await run(unplaceable('two-groups'));
  await s.page.getByRole('img', { name: 'Group db of two-groups: 2 not placed' }).waitFor();
  await s.page.getByRole('img', { name: 'Group cache of two-groups: 1 not placed' }).waitFor();
  await s.page.getByRole('row', { name: /two-groups/ }).getByText('0/3', { exact: true }).waitFor();
  await purge('two-groups');
});

test('an allocation is restarted, signalled and stopped', async () => {
  await run(service('acted', 1));
  const alloc = (await running('acted'))[0]!;
  await s.go(`/allocations/${alloc.ID}`);
  // In a dialog: behind it are buttons and lists of the same name.
  const dialog = s.page.getByRole('dialog');
  await button('Restart task server').click();
  await dialog.getByRole('button', { name: 'Restart', exact: true }).click();
  await s.page.getByText('Restart Signaled').first().waitFor();
  await button('Signal').click();
  await dialog.getByLabel('Signal').selectOption('SIGCONT');
  await button('Send SIGCONT').click();
  await dialog.waitFor({ state: 'detached' });
  await s.page.getByText('Signaling').first().waitFor();
  await s.check();
  await button('Stop').click();
  await button('Stop the allocation').click();
  await s.page.getByRole('link', { name: /^[0-9a-f]{8}$/ }).first().waitFor();
  await until(
    () => api<Alloc[]>('/v1/job/acted/allocations'),
    (l) => l.some((a) => a.ID !== alloc.ID && a.ClientStatus === 'running'),
  );
  await purge('acted');
});

test('an allocation that was collected says so', async () => {
  await run(service('collected', 1));
  const alloc = (await running('collected'))[0]!;
  await s.go(`/allocations/${alloc.ID}`);
  await heading(/^collected\.web/).waitFor();
  await purge('collected');
  await until(
    () => api<Alloc[]>('/v1/allocations'),
    (l) => l.every((a) => a.JobID !== 'collected' || a.ClientStatus === 'complete'),
  );
  await s.page.getByText('complete', { exact: true }).first().waitFor();
  await api('/v1/system/gc', {});
  // Whoever still looks is told when something of it is missing; whoever comes later, at once.
  await s.page.getByRole('link', { name: 'Files' }).click();
  await s.page.getByText('was removed or collected meanwhile', { exact: false }).waitFor();
  await s.check(/404/);
  await s.page.reload();
  await s.page.getByText(/could not be read/).waitFor();
  await s.check(/404/);
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  s.forgive(/404/);
});
