import { defineConfig } from 'vitest/config'

/** Scenarios on the real parts: started once for the run, one file at a time, because they share two cores. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['test/real/**/*.test.ts'],
    globalSetup: ['test/real/parts.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    env: { NO_COLOR: '1' },
    hookTimeout: 180_000,
  },
})
