import { defineConfig } from 'vitest/config';

// Contract tests of the AWS adapters against an emulator (moto's server). They say so and skip where it is not installed.
export default defineConfig({
  test: {
    include: ['test/aws/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 420_000,
    // Each file has a server, an environment and clients of its own; the longest takes as long as the others together.
    pool: 'forks',
    maxWorkers: '100%',
  },
});
