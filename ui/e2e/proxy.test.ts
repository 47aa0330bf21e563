// SPDX-License-Identifier: MPL-2.0
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'vitest';
import { address, purge, run, running } from './agent';
import { Screen } from './browser';
import { service } from './jobs';

// A proxy that adds a prefix the agent knows nothing of, as people put before several clusters.
let proxy: Server;
let front = '';

beforeEach(async () => {
  const to = new URL(address);
  proxy = createServer((q, r) => {
    if (!q.url?.startsWith('/clusters/one/')) {
      r.writeHead(404).end();
      return;
    }
    const forwarded = request({ host: to.hostname, port: to.port, method: q.method, path: q.url.slice('/clusters/one'.length), headers: q.headers }, (answer) => {
      r.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(r);
    });
    q.pipe(forwarded);
    r.on('close', () => forwarded.destroy());
    forwarded.on('error', () => r.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  front = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/clusters/one`;
});

afterEach(() => {
  proxy.closeAllConnections();
  proxy.close();
});

test('the interface works below a prefix', async () => {
  await run(service('prefixed', 1));
  await running('prefixed');
  const s = await Screen.open('/jobs/prefixed@default/versions', {}, front);
  const { page } = s;
  await page.getByRole('heading', { name: 'Version 0' }).waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.waitForURL(`${front}/ui/jobs/prefixed@default`);
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
