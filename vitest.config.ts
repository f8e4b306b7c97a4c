import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Two kinds of tests: what runs inside the Workers runtime, and what drives the whole stack from outside. */
const migrations = await readD1Migrations('src/audit/migrations');

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                AUDIENCES: 'https://gateway.example',
                PAY_TO: JSON.stringify({ 'eip155:84532': inject('people').payTo }),
                RPC_URLS: JSON.stringify({ 'eip155:84532': [inject('rpc')] }),
                FACILITATORS: JSON.stringify([{ url: inject('facilitator') }]),
                UPSTREAM_URL: 'https://upstream.example',
                RECEIPT_KEY: inject('receiptKey'),
              },
            },
          })),
        ],
        test: {
          name: 'workerd',
          provide: { thorough: process.env['COUNTERSIGN_THOROUGH'] === '1' },
          include: [
            'test/unit/**/*.test.ts',
            'test/durable-objects/**/*.test.ts',
            'test/properties/**/*.test.ts',
            'test/scale/**/*.test.ts',
            'test/cost/**/*.test.ts',
          ],
          globalSetup: ['test/support/chain.setup.ts', 'test/support/receiver.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          // Reading every module anew for each of 150 files would take longer than the tests. What a test changes, it puts back.
          isolate: false,
        },
      },
      // The objects alone: neither a chain nor a facilitator stands behind them (`npm run falsify`, `npm run bench`, `npm run scale`, `npm run cost`).
      ...(['falsify', 'bench', 'scale', 'cost'] as const).map((name) => ({
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: { bindings: { RECEIPT_KEY: '{}', TEST_MIGRATIONS: migrations } },
          }),
        ],
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          provide: { orders: process.env['COUNTERSIGN_ORDERS'] ?? '{}' },
          testTimeout: 3_600_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      })),
      {
        test: {
          name: 'node',
          include: [
            'test/stack/**/*.test.ts',
            'test/conformance/**/*.test.ts',
            'test/chaos/**/*.test.ts',
            'test/client/**/*.test.ts',
            'test/cli/**/*.test.ts',
          ],
          globalSetup: ['test/support/package.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file has a stack of its own, which mostly waits.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
