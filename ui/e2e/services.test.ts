// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, test } from 'vitest';
import { anew, api, purge, run, running, until } from './agent';
import { Screen } from './browser';
import { served } from './jobs';

let s: Screen;
beforeEach(anew);
afterEach(() => s.done());

test('services are found by job and by name, with the checks of each allocation', async () => {
  await run(served('offer'));
  const alloc = (await running('offer', 2))[0]!;
  await until(
    () => api<object[]>('/v1/service/offer-http'),
    (l) => l.length === 2,
  );
  s = await Screen.open('/jobs/offer@default');
  const { page } = s;
  await page.getByRole('navigation', { name: 'Job' }).getByRole('link', { name: 'Services' }).click();
  const panel = page.getByRole('region', { name: 'offer-http', exact: true });
  await panel.getByText(/^127\.0\.0\.1:\d+$/).first().waitFor();
  await panel.getByText('blue, v1').first().waitFor();
  await panel.getByRole('link', { name: alloc.ID.slice(0, 8) }).waitFor();
  await s.shot('job-services-light-1280');
  await s.check();
  await page.getByRole('link', { name: 'The service in all jobs' }).click();
  await page.getByRole('heading', { name: 'offer-http' }).waitFor();
  await page.getByRole('link', { name: 'offer', exact: true }).first().waitFor();
  await s.shot('service-light-1280');
  await s.check();
  await page.getByRole('link', { name: 'Services', exact: true }).first().click();
  await page.getByText('1 service', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'offer-http' }).waitFor();

  await s.go(`/allocations/${alloc.ID}`);
  const checks = page.getByRole('region', { name: 'Health checks' });
  await checks.getByText('success').waitFor();
  await checks.getByText('failure').waitFor();
  await checks.getByText('<b>not here</b>', { exact: false }).waitFor();
  await s.shot('allocation-checks-light-1280');
  await s.check();

  await s.go('/services');
  await page.getByRole('link', { name: 'offer-http' }).waitFor();
  await purge('offer');
  await page.getByText('No services').waitFor();
});
