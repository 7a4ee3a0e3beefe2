import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/aws/**'],
    // Against hanging, not for speed: a loaded machine takes several times as long.
    testTimeout: 120_000,
    pool: 'threads',
    // All processors: the default leaves one idle, which on two doubles the time.
    maxWorkers: '100%',
  },
});
