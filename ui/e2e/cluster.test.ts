// SPDX-License-Identifier: MPL-2.0
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, api, purge, run, running, until } from './agent';
import { Screen } from './browser';
import { service, unplaceable } from './jobs';
import { binary, OwnAgent } from './own-agent';

let agent: OwnAgent | undefined;
let s: Screen | undefined;
beforeEach(anew);
afterEach(async () => {
  await s?.close();
  await agent?.remove();
  s = agent = undefined;
});

test('another region is chosen, stays chosen and is live', async () => {
  agent = await OwnAgent.start('region = "west"\n', true);
  await run(service('at-home', 1));
  await running('at-home');
  await run(service('far-away', 1), agent.address);
  const { member } = await api<{ member: { Addr: string; Port: number } }>('/v1/agent/self');
  execFileSync(binary, ['server', 'join', `-address=${agent.address}`, `${member.Addr}:${member.Port}`]);
  await until(
    () => api<string[]>('/v1/regions'),
    (l) => l.includes('west'),
  );
  s = await Screen.open('/jobs');
  const { page } = s;
  await page.getByRole('link', { name: 'at-home', exact: true }).waitFor();
  await page.getByLabel('Region').selectOption('west');
  await page.getByRole('link', { name: 'far-away', exact: true }).waitFor();
  await page.getByRole('link', { name: 'at-home', exact: true }).waitFor({ state: 'detached' });
  await page.locator('[data-live="events"]').waitFor();
  await run(service('far-too', 1), agent.address);
  await page.getByRole('link', { name: 'far-too', exact: true }).click();
  await page.waitForURL(/far-too@default\?region=west/);
  await page.getByText('NOMAD_REGION=west nomadlike job status far-too').waitFor();
  await page.getByText('1 of 1 running').waitFor();
  await page.getByRole('link', { name: /^Allocation / }).first().click();
  await page.getByRole('link', { name: 'Logs' }).click();
  await page.getByRole('log', { name: 'Log' }).getByText(/hello \d/).first().waitFor();
  await page.getByRole('link', { name: 'Clients', exact: true }).click();
  await page.getByText('1 client', { exact: true }).waitFor();
  await s.check();
  await page.getByLabel('Region').selectOption('');
  await page.waitForURL((u) => !u.search.includes('region'));
  for (const job of ['far-away', 'far-too']) await api(`/v1/job/${job}?purge=true&region=west`, undefined, 'DELETE');
  await purge('at-home');
});

test('a server that is restarted is noticed, and the page comes back by itself', async () => {
  agent = await OwnAgent.start('', false);
  await run(unplaceable('kept'), agent.address);
  s = await Screen.open('/jobs', {}, agent.address);
  const { page } = s;
  await page.getByRole('link', { name: 'kept', exact: true }).waitFor();
  await page.locator('[data-live="events"]').waitFor();
  await agent.down();
  await page.getByText('The agent cannot be reached.', { exact: false }).waitFor();
  expect(await page.getByRole('link', { name: 'kept', exact: true }).count()).toBe(1);
  await agent.up();
  await page.getByText('The agent cannot be reached.', { exact: false }).waitFor({ state: 'detached' });
  await run(unplaceable('later'), agent.address);
  await page.getByRole('link', { name: 'later', exact: true }).waitFor();
  s.forgive(/net::ERR|50\d/);
  await s.check();
});

test('a server that begins anew is followed from its new count', async () => {
  agent = await OwnAgent.start('', true);
  for (const id of ['one', 'two', 'three']) await run(unplaceable(id), agent.address);
  s = await Screen.open('/jobs', {}, agent.address);
  const { page } = s;
  await page.getByRole('link', { name: 'three', exact: true }).waitFor();
  await page.locator('[data-live="events"]').waitFor();
  await agent.down();
  await page.getByText('The agent cannot be reached.', { exact: false }).waitFor();
  await agent.up();
  await page.getByText('No jobs yet').waitFor();
  await page.locator('[data-live="events"]').waitFor();
  for (const id of ['four', 'five']) {
    await run(unplaceable(id), agent.address);
    await page.getByRole('link', { name: id, exact: true }).waitFor();
  }
  s.forgive(/net::ERR|50\d/);
  await s.check();
});

