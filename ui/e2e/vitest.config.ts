// SPDX-License-Identifier: MPL-2.0
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// One browser and one agent for all tests, one test at a time.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    include: ['*.test.ts'],
    fileParallelism: false,
    isolate: false,
    maxWorkers: 1,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // A machine that is busy elsewhere may make one test late; the report names each that needed a second try.
    retry: 1,
    reporters: ['verbose'],
  },
});
