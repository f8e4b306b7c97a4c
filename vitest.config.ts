import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { writeLibsecp256k1 } from './dev/libsecp256k1.ts';
import { earlyImports } from './test/support/early-imports.ts';

/** Two kinds of tests: what runs inside the Workers runtime, and what drives the whole stack from outside. */
await writeLibsecp256k1();
const migrations = await readD1Migrations('src/audit/migrations');

const OURS = ['src', 'durable-objects'];
const COUNTED = /^(?:#|@noble\/(?:curves|hashes)\/)(libsecp256k1|secp256k1|sha2|sha3)(?:\.js)?$/;

/** Replaces the cryptography that the Worker imports by stand-ins that count: nothing that is deployed has a counter. */
const counted = {
  name: 'countersign:counted',
  enforce: 'pre' as const,
  resolveId: (source: string, importer: string | undefined): string | undefined => {
    const [, file] = COUNTED.exec(source) ?? [];
    const isOurs = OURS.some((folder) => importer?.startsWith(`${import.meta.dirname}/${folder}/`));
    return file !== undefined && isOurs
      ? `${import.meta.dirname}/test/guards/stand-ins/${file}.ts`
      : undefined;
  },
};

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [
          earlyImports(),
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                AUDIENCES: 'https://gateway.example',
                LOCAL_STACK: 'true',
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
      // Neither a chain nor a facilitator stands behind these: `npm run falsify`, `npm run bench`, `npm run scale`, `npm run cost`,
      // and what counts the work of a call.
      ...(['falsify', 'bench', 'scale', 'cost', 'guards'] as const).map((name) => ({
        plugins: [
          earlyImports(),
          ...(name === 'guards' ? [counted] : []),
          cloudflareTest({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: {
              bindings: { RECEIPT_KEY: '{}', TEST_MIGRATIONS: migrations },
              // So few that a slow machine meets the limit too, before its time is over.
              ...(name === 'guards'
                ? {
                    ratelimits: {
                      SHIELD: { namespace_id: '1001', simple: { limit: 60, period: 60 } },
                    },
                  }
                : {}),
            },
          }),
        ],
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          provide: { orders: process.env['COUNTERSIGN_ORDERS'] ?? '{}' },
          // Part of `npm test`, which must not hang for an hour.
          testTimeout: name === 'guards' ? 60_000 : 3_600_000,
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
            // Node loads libsecp256k1 in another way than the Worker.
            'test/unit/crypto/wycheproof.test.ts',
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
