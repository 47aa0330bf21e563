// SPDX-License-Identifier: MPL-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The files that decide what the build is; ui_test.go hashes the same ones. */
function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    if (e.isDirectory()) return sources(path);
    return /\.gen\.ts$|\.test\.tsx?$/.test(e.name) ? [] : [path];
  });
}

/** Writes the hash of the sources beside the build, so that a test can tell when it is out of date. */
function sourceHash(): Plugin {
  return {
    name: 'source-hash',
    apply: 'build',
    generateBundle() {
      const all = createHash('sha256');
      const files = ['index.html', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', ...sources('public'), ...sources('src')];
      for (const path of files.map((f) => f.replaceAll('\\', '/')).sort()) {
        all.update(`${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}\n`);
      }
      this.emitFile({ type: 'asset', fileName: 'sources.sha256', source: `${all.digest('hex')}\n` });
    },
  };
}

/** Fills in what the agent fills in for each page, so that every address works with the development server too. */
function page(): Plugin {
  return {
    name: 'page',
    apply: 'serve',
    transformIndexHtml: (html) => html.replace('__BASE__', '/').replace('__PAGE__', '{}').replaceAll('__NONCE__', ''),
  };
}

export default defineConfig({
  base: './',
  // Filled in by the agent, anew for each page; vite puts it on every tag of the page.
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), sourceHash(), page()],
  build: { target: 'es2022', manifest: 'manifest.txt', sourcemap: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    proxy: { '/v1': { target: process.env.NOMAD_ADDR ?? 'http://127.0.0.1:4646', ws: true, changeOrigin: true } },
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
} as Parameters<typeof defineConfig>[0]);
