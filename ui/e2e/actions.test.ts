// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, api, deployed, purge, run, running, until, type Alloc } from './agent';
import { Screen } from './browser';
import { canary, parameterized, periodic, service } from './jobs';

let s: Screen;
beforeEach(anew);
beforeEach(async () => {
  s = await Screen.open('/jobs');
});
afterEach(() => s.done());

const button = (name: string | RegExp) => s.page.getByRole('button', { name, exact: typeof name === 'string' });
const heading = (name: string | RegExp) => s.page.getByRole('heading', { name });
const panel = (name: string) => s.page.getByRole('region', { name, exact: true });

test('a parameterised job is dispatched and shows its children', async () => {
  await run(parameterized('dispatched'));
  await s.go('/jobs/dispatched@default');
  await s.page.getByText('No children yet').waitFor();
  await button('Dispatch').click();
  const dialog = s.page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Dispatch' }).isDisabled()).toBe(true);
  await dialog.getByLabel('who').fill('O\'Hara <b>');
  await dialog.getByLabel('Payload').fill('grüße\n');
  await dialog.getByText(`-meta 'who=O'\\''Hara <b>' dispatched -`, { exact: false }).waitFor();
  await s.shot('dispatch-light-1280');
  await s.check();

  // What the server refuses is told in its own words, until it is dismissed.
  await dialog.getByLabel('Payload').fill('x'.repeat(17 << 10));
  await dialog.getByRole('button', { name: 'Dispatch' }).click();
  const refusal = s.page.getByRole('alert').filter({ hasText: 'Nothing was dispatched' });
  await refusal.getByText(/payload exceeds maximum size/i).waitFor();
  await refusal.getByRole('button', { name: 'Dismiss' }).click();
  await s.check(/[45]00/);
  await dialog.getByLabel('Payload').fill('grüße\n');
  await dialog.getByRole('button', { name: 'Dispatch' }).click();
  await heading(/^dispatched\/dispatch-/).waitFor();
  await s.page.getByText('complete').first().waitFor();
  await s.page.getByRole('link', { name: 'Logs' }).click();
  await s.page.getByRole('log', { name: 'Log' }).getByText("hello O'Hara <b>").waitFor();
  await s.page.getByRole('link', { name: 'Overview' }).click();
  await s.page.getByRole('link', { name: 'dispatched', exact: true }).click();
  await panel('Children').getByRole('link', { name: /^dispatch-/ }).waitFor();
  await panel('Children').getByText('1 job', { exact: true }).waitFor();
  await s.go('/jobs');
  await s.page.getByText(/0 children running/).waitFor();
  await purge('dispatched');
});

test('a launch of a periodic job is forced', async () => {
  await run(periodic('yearly'));
  await s.go('/jobs/yearly@default');
  await s.page.getByText('No children yet').waitFor();
  await s.shot('periodic-light-1280');
  await button('Force a launch').click();
  await panel('Children').getByRole('link', { name: /^periodic-/ }).click();
  await heading(/^yearly\/periodic-/).waitFor();
  await s.page.getByText('complete').first().waitFor();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('yearly');
});

test('a group is scaled and the job evaluated', async () => {
  await run(service('elastic', 1));
  await deployed('elastic');
  await s.go('/jobs/elastic@default');
  await button('Scale group web').click();
  const dialog = s.page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Scale' }).isDisabled()).toBe(true);
  await dialog.getByLabel('Allocations').fill('3');
  await dialog.getByText('nomadlike job scale elastic web 3').waitFor();
  await s.shot('scale-light-1280');
  await s.check();
  await dialog.getByRole('button', { name: 'Scale' }).click();
  await s.page.getByText('3 of 3 running').waitFor();
  await button('More actions').click();
  await s.page.getByRole('menuitem', { name: 'Evaluate', exact: true }).click();
  await s.page.waitForURL(/evaluations/);
  await s.page.getByText('job-register').first().waitFor();
  await button('More actions').click();
  await s.page.getByRole('menuitem', { name: 'Evaluate and reschedule what failed' }).click();
  await until(
    () => api<object[]>('/v1/job/elastic/evaluations'),
    (l) => l.length >= 4,
  );
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('elastic');
});

test('a deployment is paused, resumed, promoted and failed', async () => {
  await run(canary('rolled'));
  await deployed('rolled');
  await run(canary('rolled', 'second'));
  await s.go('/jobs/rolled@default');
  const deployment = panel('Deployment');
  await deployment.getByText('1 of 1 canaries healthy, waiting to be promoted').waitFor();
  await s.shot('deployment-canary-light-1280');
  await s.check();
  await deployment.getByRole('button', { name: 'Pause' }).click();
  await deployment.getByText('paused', { exact: true }).waitFor();
  await deployment.getByRole('button', { name: 'Resume' }).click();
  await deployment.getByText('in progress').waitFor();
  await deployment.getByRole('button', { name: 'Promote' }).click();
  await deployed('rolled', 1);
  await s.page.getByRole('link', { name: 'Deployments' }).click();
  await panel('Version 1').getByText('successful', { exact: true }).waitFor();

  await run(canary('rolled', 'third'));
  await panel('Version 2').getByRole('button', { name: 'Fail' }).click();
  await button('Fail the deployment').click();
  await panel('Version 2').getByText('failed', { exact: true }).waitFor();
  await s.shot('deployments-light-1280');
  await s.check();
  await s.go('/jobs');
  await heading('Jobs').waitFor();
  await purge('rolled');
});

test('a client takes no new allocations, and again', async () => {
  const node = (await api<{ ID: string; Name: string }[]>('/v1/nodes'))[0]!;
  await s.go(`/clients/${node.ID}`);
  await button('Take no new allocations').click();
  await s.page.getByText('ineligible').first().waitFor();
  try {
    await run(service('refused', 1));
    await s.go('/jobs/refused@default');
    await s.page.getByText('node is ineligible').first().waitFor();
    await s.go(`/clients/${node.ID}`);
    await button('Take new allocations').click();
    await s.page.getByText('ready').first().waitFor();
  } finally {
    // The tests that follow need the client whatever happened.
    await api(`/v1/node/${node.ID}/eligibility`, { Eligibility: 'eligible' });
  }
  await running('refused');
  await purge('refused');
});

test('the scheduler configuration is changed, and refused when somebody else was faster', async () => {
  interface Config {
    SchedulerConfig: { SchedulerAlgorithm: string; MemoryOversubscriptionEnabled: boolean; ModifyIndex: number };
  }
  const get = async () => (await api<Config>('/v1/operator/scheduler/configuration')).SchedulerConfig;
  const before = await get();
  await s.go('/cluster');
  await s.page.getByLabel('Placement').selectOption('spread');
  await s.page.getByLabel('Memory oversubscription').check();
  await s.page.getByText(/set-config -check-index=\d+ -scheduler-algorithm=spread -memory-oversubscription=true$/).waitFor();
  await button('Apply').click();
  await until(get, (c) => c.SchedulerAlgorithm === 'spread' && c.MemoryOversubscriptionEnabled);
  // The form is drawn anew from what the server has: nothing is left to apply.
  await s.page.locator('button:disabled:not([data-loading])', { hasText: 'Apply' }).waitFor();
  expect(await s.page.getByLabel('Placement').inputValue()).toBe('spread');

  await s.page.getByLabel('Pause scheduling').check();
  await api('/v1/operator/scheduler/configuration', before);
  await button('Apply').click();
  await s.page.getByText('Somebody else changed it meanwhile: nothing was set.', { exact: false }).waitFor();
  await s.page.getByRole('checkbox', { name: /^Pause scheduling/, checked: false }).waitFor();
  expect(await get()).toMatchObject({ PauseEvalBroker: false, SchedulerAlgorithm: before.SchedulerAlgorithm });
  await s.check();
});

test('a namespace is chosen and goes along', async () => {
  await api('/v1/namespace/apart', { Name: 'apart', Description: 'apart from others' });
  await run(service('at-home', 1));
  await run(service('away', 1).replace('job "away" {', 'job "away" {\n  namespace = "apart"'));
  await until(
    () => api<Alloc[]>('/v1/job/away/allocations?namespace=apart'),
    (l) => l.some((a) => a.ClientStatus === 'running'),
  );
  await s.page.reload();
  await s.page.getByLabel('Namespace').selectOption('apart');
  await s.page.waitForURL(/namespace=apart/);
  await s.page.getByRole('link', { name: 'at-home', exact: true }).waitFor({ state: 'detached' });
  await s.page.getByRole('link', { name: 'away', exact: true }).click();
  await s.page.waitForURL(/away@apart\?namespace=apart/);
  await button('Scale group web').click();
  await s.page.getByRole('dialog').getByText(/^nomadlike job scale -namespace=apart away web 1$/).waitFor();
  await s.page.getByRole('dialog').getByRole('button', { name: 'Leave it' }).click();
  await s.page.getByRole('link', { name: /^Allocation / }).first().click();
  await heading(/^away\.web/).waitFor();
  await s.page.getByRole('link', { name: 'Logs' }).click();
  await s.page.getByRole('log', { name: 'Log' }).getByText(/hello \d/).first().waitFor();
  await s.page.getByRole('link', { name: 'Jobs', exact: true }).first().click();
  await s.page.getByRole('link', { name: 'away', exact: true }).waitFor();
  await s.page.getByLabel('Namespace').selectOption('*');
  await s.page.getByRole('link', { name: 'at-home', exact: true }).waitFor();
  await purge('at-home');
  await api('/v1/job/away?purge=true&namespace=apart', undefined, 'DELETE');
});

test('a token is sent with every request, kept, and forgotten', async () => {
  const sent: (string | undefined)[] = [];
  s.page.on('request', (r) => {
    if (r.url().includes('/v1/')) sent.push(r.headers()['x-nomad-token']);
  });
  await button('Token: none').click();
  await s.page.getByLabel('Secret ID').fill(' 00000000-0000-0000-0000-000000000001 ');
  await s.check();
  await button('Use this token').click();
  await button('Token: set').waitFor();
  sent.length = 0;
  await s.page.reload();
  await heading('Jobs').waitFor();
  await until(async () => sent.length, (n) => n > 2);
  expect(new Set(sent)).toEqual(new Set(['00000000-0000-0000-0000-000000000001']));
  await button('Token: set').click();
  await button('Forget the token').click();
  await button('Token: none').waitFor();
  sent.length = 0;
  await s.page.reload();
  await until(async () => sent.length, (n) => n > 2);
  expect(new Set(sent)).toEqual(new Set([undefined]));
});

test('a client is drained, which can be stopped, and takes allocations again', async () => {
  const node = (await api<{ ID: string; Name: string }[]>('/v1/nodes'))[0]!;
  // It does not heed the first signal, so that the drain takes a while.
  await run(service('moved', 1).replace('i=0;', "trap '' INT TERM; i=0;").replace('    task "server" {', '    task "server" {\n      kill_timeout = "15s"'));
  await deployed('moved');
  await s.go(`/clients/${node.ID}`);
  const dialog = s.page.getByRole('dialog');
  await button('Drain').click();
  await dialog.getByLabel('Leave the allocations of system jobs').check();
  await dialog.getByText(`nomadlike node drain -enable -deadline 1h -ignore-system ${node.ID.slice(0, 8)}`).waitFor();
  await s.shot('drain-light-1280');
  await s.check();
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await s.page.getByText('draining', { exact: true }).first().waitFor();
  await s.shot('draining-light-1280');
  await s.check();
  await button('Stop draining').click();
  await dialog.getByText(`nomadlike node drain -disable ${node.ID.slice(0, 8)}`).waitFor();
  await dialog.getByRole('button', { name: 'Stop draining' }).click();
  await s.page.getByText('ready', { exact: true }).first().waitFor();
  await running('moved');

  await button('Drain').click();
  await dialog.getByLabel('Time to move').selectOption('force');
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await until(
    () => api<Alloc[]>('/v1/job/moved/allocations'),
    (l) => l.every((a) => a.ClientStatus === 'complete'),
  );
  await s.page.getByText('ineligible', { exact: true }).first().waitFor();
  await button('Take new allocations').click();
  await s.page.getByText('ready', { exact: true }).first().waitFor();
  await running('moved');
  await s.check();
  await purge('moved');
});
