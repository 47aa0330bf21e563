// SPDX-License-Identifier: MPL-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, purge, run, running, until } from './agent';
import { Screen } from './browser';

const job = (id: string, script: string) => `
job "${id}" {
  group "g" {
    ephemeral_disk {
      size = 600
    }
    task "writer" {
      driver = "raw_exec"
      logs {
        max_files     = 3
        max_file_size = 100
      }
      config {
        command = "/bin/sh"
        args    = ["-c", ${JSON.stringify(script).replaceAll('${', '$${')}]
      }
      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
`;

let s: Screen;
beforeEach(anew);
afterEach(() => s.done());

async function open(id: string, script: string): Promise<void> {
  await run(job(id, script));
  const alloc = (await running(id))[0]!;
  s = await Screen.open(`/allocations/${alloc.ID}/logs`);
}

test('a log is followed, searched, filtered, paused and downloaded', async () => {
  await open('chatty', "i=0; while true; do i=$((i+1)); echo \"line $i of <b>chatty</b>\"; printf '\\033[31mred %s\\033[0m\\n' $i; sleep 0.2; done");
  const log = s.page.getByRole('log', { name: 'Log' });
  await log.getByText('line 5 of <b>chatty</b>', { exact: false }).first().waitFor();
  expect(await log.locator('[data-color="1"]').first().textContent()).toMatch(/^red \d+$/);
  const search = s.page.getByRole('searchbox', { name: 'Search in the log' });
  await search.fill('LINE 3 ');
  await log.locator('mark', { hasText: 'line 3 ' }).waitFor();
  await s.page.getByLabel('Matches only').check();
  await log.getByText(/^red/).first().waitFor({ state: 'detached' });
  await s.page.getByLabel('Regex').check();
  await search.fill('red [24]$');
  await log.locator('mark', { hasText: 'red 4' }).waitFor();
  await search.fill('(');
  await s.page.getByText('No valid regular expression').waitFor();
  await s.check();
  await search.fill('');
  await s.page.getByRole('button', { name: 'Pause' }).click();
  await s.page.getByRole('button', { name: /new, to the end/ }).waitFor();
  await s.page.getByRole('button', { name: /new, to the end/ }).click();
  await s.page.getByText('Following').waitFor();
  const [download] = await Promise.all([s.page.waitForEvent('download'), s.page.getByRole('link', { name: 'Download' }).click()]);
  const stream = await download.createReadStream();
  let text = '';
  for await (const piece of stream) text += String(piece);
  expect(text).toMatch(/^line 1 of/);
  await purge('chatty');
});

test('much, long and binary output does not slow the page', async () => {
  await open('flood', "head -c 10000000 /dev/zero | tr '\\0' x; echo; head -c 2000 /dev/urandom; echo; seq 1 400000; echo the end; sleep 1000");
  const log = s.page.getByRole('log', { name: 'Log' });
  await log.getByText('the end', { exact: true }).waitFor();
  await s.page.getByLabel('Where to begin').selectOption('start');
  await s.page.getByText(/older ones are no longer held here/).waitFor();
  await log.getByText('the end', { exact: true }).waitFor();
  const rows = await log.locator('[data-index]').count();
  expect(rows).toBeLessThan(200);
  // A match comes into sight from wherever it is: the newest first, then those before it.
  const search = s.page.getByRole('searchbox', { name: 'Search in the log' });
  await search.fill('399999');
  await s.page.getByText('1 of 1 matching').waitFor();
  await search.fill('39500');
  await s.page.getByText('10 of 10 matching').waitFor();
  await log.locator('mark').first().waitFor();
  expect(await log.locator('[data-current="true"]').textContent()).toBe('395009');
  await search.press('Enter');
  await s.page.getByText('9 of 10 matching').waitFor();
  expect(await log.locator('[data-current="true"]').textContent()).toBe('395008');
  await s.page.getByRole('button', { name: 'Match after' }).click();
  await s.page.getByText('10 of 10 matching').waitFor();
  await s.check();
  await purge('flood');
});

test('a line of ten megabytes is cut and says so, and control codes are text or colour', async () => {
  await open('long-line', "printf '\\033[1;32mgreen\\033[0m <i>tag</i>\\a\\n'; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after; sleep 1000");
  const log = s.page.getByRole('log', { name: 'Log' });
  await s.page.getByLabel('Where to begin').selectOption('start');
  await log.getByText('after', { exact: true }).waitFor();
  await log.getByText(/x… 9,991,808 more characters|9,991,808 more characters/).first().waitFor();
  await log.evaluate((e) => (e.scrollTop = 0));
  await log.locator('[data-color="2"]', { hasText: 'green' }).waitFor();
  await log.getByText('<i>tag</i>', { exact: false }).waitFor();
  await s.check();
  await purge('long-line');
});

test('the logs of many tasks are followed together, without a line lost or told twice', async () => {
  const many = 12;
  await run(job('choir', 'i=0; while true; do i=$((i+1)); echo "tick $i of voice $NOMAD_ALLOC_INDEX."; sleep 0.3; done').replace('group "g" {', `group "g" {\n    count = ${many}\n    update {\n      max_parallel = 0\n    }`).replace('cpu    = 50', 'cpu    = 20'));
  await running('choir', many);
  s = await Screen.open('/jobs/choir@default/logs');
  const streams = new Set<Request>();
  s.page.on('request', (r) => /fs\/logs/.test(r.url()) && r.url().includes('follow') && streams.add(r));
  const log = s.page.getByRole('log', { name: 'Log' });
  await s.page.getByText(`${many} logs, read in turn`, { exact: false }).waitFor();
  const search = s.page.getByRole('searchbox', { name: 'Search in the log' });
  await s.page.getByLabel('Matches only').check();
  for (let i = 0; i < many; i++) {
    await search.fill(`of voice ${i}.`);
    await log.getByText(`of voice ${i}.`, { exact: false }).first().waitFor();
  }
  const ticks = async () => (await log.locator('[data-index]').allTextContents()).map((t) => Number(/tick (\d+) of/.exec(t)?.[1]));
  const before = (await ticks()).at(-1)!;
  await until(ticks, (t) => t.at(-1)! > before + 12);
  const seen = await ticks();
  expect(seen).toEqual(seen.map((_, i) => seen[0]! + i));
  expect([...streams]).toEqual([]);
  await s.shot('logs-many-light-1280');
  await s.check();
  await s.look({ theme: 'dark', width: 320, height: 640 });
  await s.shot('logs-many-dark-320');
  await s.check();
  await s.go('/servers');
  await s.page.getByRole('heading', { name: 'Servers' }).waitFor();
  await purge('choir');
});

test('what was written before one looked stands log by log, and says so; what comes is mixed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nomadlike-ui-'));
  const speak = `echo "before 1 of $NOMAD_ALLOC_INDEX"; echo "before 2 of $NOMAD_ALLOC_INDEX"; while [ ! -e ${dir}/go ]; do sleep 0.1; done; echo "after of $NOMAD_ALLOC_INDEX"; sleep 1000`;
  await run(job('early', speak).replace('group "g" {', 'group "g" {\n    count = 2\n    update {\n      max_parallel = 0\n    }'));
  const ids = (await running('early', 2)).map((a) => a.ID.slice(0, 8));
  s = await Screen.open('/jobs/early@default/logs');
  const log = s.page.getByRole('log', { name: 'Log' });
  for (const i of [0, 1]) await log.getByText(`before 2 of ${i}`).waitFor();
  await s.page.getByText('4 lines; what was written before stands log by log', { exact: false }).waitFor();
  const lines = async () => (await log.locator('[data-index]').allTextContents()).map((t) => t.trim());
  const before = await until(lines, (l) => l.at(-1) === 'From here on: all logs, as lines arrive');
  for (const [first, voices] of [[0, before.slice(1, 3)], [3, before.slice(4, 6)]] as const) {
    expect(before[first]).toMatch(new RegExp(`^(${ids.join('|')}) writer: written before this page began to follow$`));
    const [voice] = voices.map((l) => l.slice(-1));
    expect(voices.map((l) => l.slice(l.indexOf('before')))).toEqual([`before 1 of ${voice}`, `before 2 of ${voice}`]);
    expect(voices[0]).toContain(before[first]!.slice(0, 8));
  }
  // After that long nothing counts as written before.
  await s.page.waitForFunction((since) => performance.now() > since + 1600, await s.page.evaluate(() => performance.now()));
  writeFileSync(join(dir, 'go'), '');
  const all = await until(lines, (l) => l.length === 9);
  expect(all.slice(0, 7)).toEqual(before);
  expect(all.slice(7).map((l) => l.slice(l.indexOf('after'))).sort()).toEqual(['after of 0', 'after of 1']);
  await s.shot('logs-history-light-1280');
  await s.check();
  await s.go('/servers');
  await purge('early');
  rmSync(dir, { recursive: true });
});
