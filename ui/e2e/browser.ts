// SPDX-License-Identifier: MPL-2.0
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { address } from './agent';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser | undefined;

async function start(): Promise<Browser> {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
  return browser;
}

afterAll(async () => {
  await browser?.close();
  browser = undefined;
});

/** How a page is looked at. */
export interface Look {
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
  /** What to tell the first appearance of, a selector: see seen. */
  await?: string;
}

/** A page of the interface that notes everything that goes wrong in it. */
export class Screen {
  private wrong: string[] = [];
  private constructor(
    readonly page: Page,
    private context: BrowserContext,
    private base: string,
  ) {}

  /** Opens a path below /ui. */
  static async open(path: string, look: Look = {}, base = address): Promise<Screen> {
    const context = await (await start()).newContext({
      viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
      colorScheme: look.theme ?? 'light',
      reducedMotion: 'reduce',
      bypassCSP: false,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const screen = new Screen(page, context, base);
    page.on('console', (m) => {
      // Chromium drops requests when a network of the machine comes or goes, as those of containers do. The page asks again.
      if (m.text().includes('net::ERR_NETWORK_CHANGED')) return;
      if (m.type() === 'error' || m.type() === 'warning') screen.wrong.push(`console ${m.type()}: ${m.text()} ${m.location().url}`);
    });
    page.on('pageerror', (e) => screen.wrong.push(`error: ${e.message}`));
    page.on('response', (r) => {
      if (r.status() >= 400) screen.wrong.push(`${r.status()} of ${r.request().method()} ${r.url()}`);
    });
    page.on('request', (r) => {
      if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) screen.wrong.push(`request to another host: ${r.url()}`);
    });
    await context.addInitScript((what) => {
      if (!what) return;
      const found = () => {
        if (!document.querySelector(what)) return;
        watch.disconnect();
        requestAnimationFrame(() => performance.mark('seen'));
      };
      const watch = new MutationObserver(found);
      watch.observe(document, { childList: true, subtree: true });
    }, look.await);
    await screen.go(path);
    return screen;
  }

  /** Allows one kind of failure that a test provokes. */
  forgive(pattern: RegExp) {
    this.wrong = this.wrong.filter((w) => !pattern.test(w));
  }

  /** Fails when anything went wrong so far but what the test provokes, or when the page as it is violates a rule of accessibility. */
  async check(forgiven?: RegExp) {
    // Transitions blend colours, which would be judged. One may begin some frames after what causes it, or after another.
    await this.page.evaluate(async () => {
      for (let calm = 0; calm < 5; calm++) {
        await new Promise(requestAnimationFrame);
        const moving = document.getAnimations().filter((a) => a.playState === 'running');
        if (moving.length > 0) calm = -1;
        await Promise.all(moving.map((a) => a.finished.catch(() => undefined)));
      }
    });
    // Through the protocol: the page's own policy allows no foreign script, and shall not.
    const session = await this.context.newCDPSession(this.page);
    await session.send('Runtime.evaluate', { expression: axe });
    const { result } = await session.send('Runtime.evaluate', {
      expression: `axe.run(document, { resultTypes: ['violations'] }).then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.help + '\\n  ' + v.nodes.slice(0, 4).map(n => n.html.slice(0, 300) + ' ' + (n.any[0]?.message ?? '')).join('\\n  '))))`,
      awaitPromise: true,
      returnByValue: true,
    });
    await session.detach();
    expect(JSON.parse(String(result.value)), `accessibility of ${this.page.url()}`).toEqual([]);
    const wrong = this.wrong.filter((w) => !forgiven?.test(w));
    this.wrong = [];
    expect(wrong, `what went wrong on ${this.page.url()}`).toEqual([]);
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${this.page.url()} scrolls sideways`).toBeLessThanOrEqual(0);
  }

  /** Looks at the same page in another way. */
  async look(look: Look) {
    await this.page.emulateMedia({ colorScheme: look.theme ?? 'light' });
    await this.page.setViewportSize({ width: look.width ?? 1280, height: look.height ?? 800 });
  }

  /** Goes to another path below /ui, as a new visit. */
  async go(path: string) {
    await this.page.goto(`${this.base}/ui${path}`);
  }

  /** Milliseconds from the navigation until what the look awaits was drawn. */
  async seen(): Promise<number> {
    await this.page.waitForFunction(() => performance.getEntriesByName('seen').length > 0);
    return this.page.evaluate(() => performance.getEntriesByName('seen')[0]!.startTime);
  }

  /** Keeps a picture when SHOTS names a directory. */
  async shot(name: string) {
    const dir = process.env.SHOTS;
    if (!dir) return;
    mkdirSync(dir, { recursive: true });
    await this.page.screenshot({ path: `${dir}/${name}.png` });
  }

  /** Checks and closes. */
  async done() {
    try {
      await this.check();
    } finally {
      await this.context.close();
    }
  }

  /** Closes without a check. */
  async close() {
    await this.context.close();
  }
}
