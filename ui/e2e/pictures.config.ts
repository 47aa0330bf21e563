// SPDX-License-Identifier: MPL-2.0
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The pictures of docs/ui, which are taken only when somebody asks for them, of agents of their own.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: { include: ['pictures.ts'], env: { NOMADLIKE_ADDR: 'none' }, testTimeout: 120_000, hookTimeout: 120_000, reporters: ['verbose'] },
});
