import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { writeWebAssembly } from './dev/webassembly.ts';
import { boundWorker } from './test/support/bound-worker.ts';
import { earlyImports } from './test/support/early-imports.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { commandTestsInProcess, testsThatRunInNode } from './test/support/runs-in-node.ts';
import { AWS_CREDENTIALS, ownerAddresses } from './test/support/signer-owners.ts';

await writeWebAssembly();
const migrations = await readD1Migrations('src/audit/migrations');

const OURS = ['src', 'durable-objects'];
const COUNTED =
  /^(?:#|@noble\/(?:curves|hashes)\/|\..*\/)(keccak|libsecp256k1|secp256k1|sha2)(?:\.[jt]s)?$/;

const CRYPTO = "from 'node:crypto'";
const isOurs = (file: string | undefined): boolean =>
  OURS.some((folder) => file?.startsWith(`${import.meta.dirname}/${folder}/`));
const standIn = (name: string): string => `${import.meta.dirname}/test/guards/stand-ins/${name}.ts`;

/** Replaces the cryptography that the Worker imports by stand-ins that count: nothing that is deployed has a counter. */
const counted = {
  name: 'countersign:counted',
  enforce: 'pre' as const,
  resolveId: (source: string, importer: string | undefined): string | undefined => {
    const [, file] = COUNTED.exec(source) ?? [];
    return file !== undefined && isOurs(importer) ? standIn(file) : undefined;
  },
  // Vite leaves builtins to the runtime and asks no plugin.
  transform: (code: string, id: string): string | undefined =>
    isOurs(id) && code.includes(CRYPTO)
      ? code.replace(CRYPTO, `from '${standIn('node-crypto')}'`)
      : undefined,
};

/** Folders of `test/` that run inside workerd: `workerd` in `npm test`, `properties` in `npm run test:deep`, which also runs `LONG`. */
const INSIDE = {
  workerd: ['unit', 'durable-objects', 'cost'],
  properties: ['properties', 'scale'],
};

/**
 * Files of `workerd` that `npm run test:deep` runs, because `npm test` has two minutes: lists and reports, the archive, reconciliation,
 * webhooks, what answers late, and what takes seconds. What guards money has a test in `npm test` too.
 */
const LONG = [
  'test/cost/command-flood.test.ts',
  'test/durable-objects/account/call/{back-pressure,last-looks,memory-limit}.test.ts',
  'test/durable-objects/account/commands/{command-budget,management-attacks}.test.ts',
  'test/durable-objects/account/log/{entries,exports,stuck-payments}.test.ts',
  'test/durable-objects/account/tree/{fleet,idle-shares,lease-costs,leases,storms,whole-limit}.test.ts',
  'test/durable-objects/relayer/{rate,report,trial}.test.ts',
  'test/unit/audit/{rebuild,spend,spend-report}.test.ts',
  'test/unit/audit/archive/*.test.ts',
  'test/unit/client/hanging-peers.test.ts',
  'test/unit/crypto/speed.test.ts',
  'test/unit/external-answers.test.ts',
  'test/unit/gateway/permit-differential.test.ts',
  'test/unit/management/{account-tree,call-list,entry-list,event-stream,newest-calls,settlement-list}.test.ts',
  'test/unit/management/{ledger-answers,ledger-costs,ledger-days,ledger-totals,spend-readers,tree-readers}.test.ts',
  'test/unit/settlement/sweep/*.test.ts',
  'test/unit/webhooks/*.test.ts',
];

/** Tests with properties of many runs: `npm test` makes a part of these runs, and `npm run test:deep` all (`test/support/runs.ts`). */
const MANY_RUNS = {
  workerd: ['test/durable-objects/{account/tree/cut-off,store/engine}.test.ts'],
  unit: [
    'test/unit/catalog/route.test.ts',
    'test/unit/core/canonical-json.test.ts',
    'test/unit/dashboard/session/tab-session.test.ts',
    'test/unit/protocol/intent/{agent-delegation,agent-intent,signed-intent}.test.ts',
    'test/unit/protocol/x402/offer.test.ts',
  ],
};

/**
 * Unit tests of the project `unit`. Cryptography, streams and fetch differ between Node and workerd, and so does what a fake clock waits
 * for.
 */
const IN_NODE = testsThatRunInNode([
  'client/approval.test.ts',
  'client/hanging-peers.test.ts',
  'crypto/',
  'dashboard/data/money/credit-offer.test.ts',
  'gateway/',
  'mcp/',
  'vault/',
  'webhooks/',
]);

/** Tests of the command in the project `unit`, although `test/cli/` is a folder of `node`. */
const IN_PROCESS = commandTestsInProcess(['files.test.ts', 'verifier-mutations.test.ts']);

/** What needs the signer Worker instead of the gateway. */
const SIGNER = ['test/durable-objects/keyring/**/*.test.ts'];

/** Of the folders of `node`, what `npm test` runs: a paid call. */
const EARLY = ['test/conformance/bound.test.ts'];

/** Of `test/stack/`, what `npm run test:deep` runs. */
const LATE = ['test/stack/{facilitator,overflow,python,story}.test.ts'];

/** Replaces a module. No other file may share its process. */
const REPLACED = ['test/conformance/unloaded.test.ts'];

/** What drives a whole stack from outside: `stack` in `npm test`; `node` in `npm run test:deep`. */
const OUTSIDE = {
  stack: [
    'test/stack/**/*.test.ts',
    ...EARLY,
    // Node loads libsecp256k1 in another way than the Worker, and hashes with noble.
    'test/unit/crypto/wycheproof.test.ts',
  ],
  node: [
    ...['conformance', 'chaos', 'client', 'cli', 'lifecycle'].map(
      (folder) => `test/${folder}/**/*.test.ts`,
    ),
    ...LATE,
  ],
};

/** For `expect.poll`, whose default is one second: a machine may be busy with other tests. */
const PATIENT = { poll: { timeout: 30_000 } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      ...(['workerd', 'properties'] as const).map((name) => ({
        plugins: [
          earlyImports(),
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: {
              serviceBindings: { BOUND: boundWorker },
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
          name,
          expect: PATIENT,
          provide: {
            thorough: process.env['COUNTERSIGN_THOROUGH'] === '1',
            deep: name === 'properties',
          },
          setupFiles: ['test/support/seed.setup.ts', 'test/support/restore.setup.ts'],
          include: [
            ...INSIDE[name].map((folder) => `test/${folder}/**/*.test.ts`),
            ...(name === 'properties' ? [...LONG, ...MANY_RUNS.workerd] : []),
          ],
          exclude: [...SIGNER, ...IN_NODE, ...(name === 'workerd' ? LONG : [])],
          globalSetup: ['test/support/chain.setup.ts', 'test/support/receiver.setup.ts'],
          testTimeout: name === 'properties' ? 300_000 : 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          // Loading every module again for each of 150 files takes longer than the tests. A test restores what it changes.
          isolate: false,
        },
      })),
      ...(['unit', 'runs'] as const).map((name) => ({
        test: {
          name,
          include: name === 'unit' ? [...IN_NODE, ...IN_PROCESS] : MANY_RUNS.unit,
          expect: PATIENT,
          setupFiles: ['test/support/seed.setup.ts'],
          provide: { thorough: false, deep: name === 'runs' },
          testTimeout: 60_000,
          maxWorkers: 2,
          pool: 'threads' as const,
          isolate: false,
        },
      })),
      {
        plugins: [
          earlyImports(),
          cloudflareTest({
            wrangler: { configPath: './test/wrangler.signer.test.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                SIGNER_ORIGIN: 'https://signer.example',
                OWNERS: ownerAddresses(),
                SIGNER_KEY: Buffer.alloc(32, 7).toString('base64'),
                AWS_KMS_CREDENTIALS: JSON.stringify(AWS_CREDENTIALS),
              },
            },
          }),
        ],
        test: {
          name: 'signer',
          include: SIGNER,
          setupFiles: ['test/support/restore.setup.ts'],
          expect: PATIENT,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          isolate: false,
        },
      },
      // These use neither a chain nor a facilitator: `npm run falsify`, `npm run scale`, `npm run cost`, and the guards,
      // which count the work of a call.
      ...(['falsify', 'scale', 'cost', 'guards'] as const).map((name) => ({
        plugins: [
          earlyImports(),
          ...(name === 'guards' ? [counted] : []),
          cloudflareTest({
            wrangler: { configPath: './test/wrangler.test.toml' },
            miniflare: {
              bindings: { RECEIPT_KEY: '{}', TEST_MIGRATIONS: migrations },
              // A slow machine must reach the limit within its period as well.
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
          provide: { options: process.env['COUNTERSIGN_OPTIONS'] ?? '{}' },
          // The guards are part of `npm test`, which must not hang for an hour.
          testTimeout: name === 'guards' ? 60_000 : 3_600_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      })),
      ...(['stack', 'node'] as const).map((name) => ({
        test: {
          name,
          include: [...OUTSIDE[name]],
          exclude: name === 'node' ? [...EARLY, ...REPLACED] : LATE,
          expect: PATIENT,
          globalSetup: ['test/support/package.setup.ts', 'test/support/patient-worker.setup.ts'],
          pool: 'forks' as const,
          // Files share the modules and one stack of their process (`useSharedWorld`).
          isolate: false,
          testTimeout: 120_000,
          // A file may wait for the next day first.
          hookTimeout: 240_000,
          // A stack mostly waits.
          maxWorkers: 3,
        },
      })),
      { test: { name: 'replaced', include: REPLACED } },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: [
            'test/support/package.setup.ts',
            'test/support/pictures.setup.ts',
            'test/support/states.setup.ts',
            'test/support/worker.setup.ts',
          ],
          expect: PATIENT,
          testTimeout: 120_000,
          // A file may wait for the next day first.
          hookTimeout: 240_000,
          pool: 'forks',
          // The files of a worker share its browser and a stack, and mostly wait.
          isolate: false,
          maxWorkers: 4,
        },
      },
    ],
  },
});
