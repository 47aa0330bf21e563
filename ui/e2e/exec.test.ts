// SPDX-License-Identifier: MPL-2.0
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anew, purge, run, running, until } from './agent';
import { Screen } from './browser';
import { service } from './jobs';

let s: Screen;
beforeEach(anew);
afterEach(() => s.done());

const rows = () => s.page.locator('.xterm-rows');

test('a shell runs in a task, is resized and ends', async () => {
  await run(service('shell', 1));
  const alloc = (await running('shell'))[0]!;
  s = await Screen.open(`/allocations/${alloc.ID}/exec`);
  await s.page.getByRole('button', { name: 'Open the shell' }).click();
  await s.page.getByText('Connected.', { exact: false }).waitFor();
  await s.page.keyboard.type('echo $((6*7)) $NOMAD_TASK_NAME; stty size\n');
  await rows().getByText('42 server').waitFor();
  const size = await until(
    async () => /(\d+) (\d+)\s*$/m.exec((await rows().innerText()).split('42 server')[1] ?? '')?.slice(1).map(Number),
    (x) => x !== undefined,
  );
  expect(size![1]).toBeGreaterThan(60);
  await s.shot('exec-open-light-1280');
  await s.check();
  await s.page.keyboard.press('Control+.');
  expect(await s.page.evaluate(() => document.activeElement?.textContent)).toBe('End the session');
  await s.page.locator('.xterm-helper-textarea').focus();
  await s.page.keyboard.type('exit 3\n');
  await s.page.getByText('/bin/sh ended with exit code 3.').waitFor();

  await s.page.getByRole('textbox', { name: 'Command', exact: true }).fill('/no/such/program');
  await s.page.getByRole('button', { name: 'Open it again' }).click();
  await s.page.getByRole('status').getByText('could not be found').waitFor();
  await purge('shell');
});

test('with the keyboard alone: submit, follow the logs, exec, stop', async () => {
  s = await Screen.open('/jobs');
  const { page } = s;
  const focusOn = async (name: string | RegExp) => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate(() => {
        const e = document.activeElement as HTMLElement | null;
        return e ? (e.getAttribute('aria-label') ?? (e as HTMLInputElement).labels?.[0]?.textContent ?? e.textContent ?? '').trim() : '';
      });
      if (typeof name === 'string' ? label === name : name.test(label)) return;
    }
    throw new Error(`the keyboard does not reach ${String(name)}`);
  };
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /^Search jobs, allocations/ }).waitFor();
  await page.keyboard.type('run a job');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Run a job' }).waitFor();
  await focusOn(/^Job file/);
  await page.keyboard.insertText(service('keys', 1));
  await focusOn('Plan');
  await page.keyboard.press('Enter');
  await page.getByText('All allocations can be placed.').waitFor();
  await focusOn('Run keys');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'keys' }).waitFor();
  await page.getByText('1 of 1 running').waitFor();
  await focusOn('Logs');
  await page.keyboard.press('Enter');
  await page.getByRole('log', { name: 'Log' }).getByText(/hello \d/).first().waitFor();

  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /^Search jobs, allocations/ }).waitFor();
  await page.keyboard.type((await running('keys'))[0]!.ID.slice(0, 8));
  await page.getByRole('option', { name: /Allocation/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /keys\.web/ }).waitFor();
  await focusOn('Terminal');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Command', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Connected.', { exact: false }).waitFor();
  await page.keyboard.type('echo by $((1+1)) hands\n');
  await rows().getByText('by 2 hands').waitFor();
  await page.keyboard.press('Control+.');
  await page.keyboard.press('Enter');
  await page.getByText('The session was ended.').waitFor();

  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('keys');
  await page.waitForURL(/q=keys/);
  await focusOn('keys');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'keys' }).waitFor();
  await focusOn('Stop');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await focusOn('Stop the job');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Start again' }).waitFor();
  await s.go('/jobs');
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await purge('keys');
});
