import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { people } from '../stack/people.ts';
import { killEveryProcess } from '../stack/process.ts';
import { freePort, LOOPBACK } from '../stack/loopback.ts';
import type { Bundles } from './bundles.ts';
import { getRequest, headersOf, openConnection } from './connection.ts';
import type { Offer } from './signing.ts';
import { type Service, startWorkerd, type Workerd } from './workerd.ts';

/** The request that all subjects get. */
export const TARGET = '/tools/lookup?word=signature';

/** A Worker under test in a process of its own. */
export type Subject = Workerd & { readonly port: number };

/** The tool and a stub facilitator, in one more process of workerd. */
export type Upstream = { readonly url: string; readonly stop: () => Promise<void> };

/** API key of the baseline. */
export const API_KEY = 'bench-key-0123456789abcdef0123456789abcdef';

/** Directory and bundles of a run. */
export type Bench = { readonly workspace: string; readonly bundles: Bundles };

/** A tmpfs on Linux: the bench compares code, not disks. */
const MEMORY = '/dev/shm';

/** Creates a directory for bundles and objects, in memory where possible. It is removed with this process, also on Ctrl-C. */
export const newWorkspace = (): string => {
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'countersign-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      // Pending requests fail when their processes end.
      process.on('uncaughtException', () => {});
      void killEveryProcess().then(() => process.exit(code));
    });
  }
  return directory;
};

/** Creates an empty directory for one process. */
export const newDirectory = (workspace: string, name: string): string => {
  mkdirSync(workspace, { recursive: true });
  return mkdtempSync(join(workspace, `${name}-`));
};

/** Starts a fresh process, whose directory is removed with it. */
export const start = async (
  directory: string,
  services: readonly Service[],
  more: Partial<Parameters<typeof startWorkerd>[0]> = {},
): Promise<Workerd> => {
  const process = await startWorkerd({ ...more, directory, services });
  const stop = async (): Promise<void> => {
    await process.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return { ...process, stop };
};

/** Delays of the stub facilitator in milliseconds. */
export type FacilitatorPace = { readonly verify: number; readonly settle: number };

/** Starts the tool and the stub facilitator. */
export const startUpstream = async (
  { workspace, bundles }: Bench,
  { verify, settle }: FacilitatorPace,
): Promise<Upstream> => {
  const port = await freePort();
  const bindings = {
    VERIFY_MS: { text: String(verify) },
    SETTLE_MS: { text: String(settle) },
    AUTHORIZER: { text: people.operator.address },
  };
  const { stop } = await start(newDirectory(workspace, 'upstream'), [
    { name: 'upstream', script: bundles.of('upstream'), bindings, port },
  ]);
  return { url: `http://${LOOPBACK}:${port}`, stop };
};

/** Starts a Worker whose bindings are text. */
export const startWorker = async (
  { workspace, bundles }: Bench,
  name: Parameters<Bundles['of']>[0],
  variables: Readonly<Record<string, string>>,
): Promise<Subject> => {
  const port = await freePort();
  const bindings = Object.fromEntries(
    Object.entries(variables).map(([key, text]) => [key, { text }]),
  );
  const process = await start(newDirectory(workspace, name), [
    { name, script: bundles.of(name), more: bundles.wasm, bindings, port },
  ]);
  return { ...process, port };
};

/** Reads the offer of a subject. */
export const offerOf = async ({ port }: Pick<Subject, 'port'>): Promise<Offer> => {
  const connection = await openConnection(port);
  const { status, head } = await connection.send(getRequest(port, TARGET, {}));
  connection.close();
  const offer = headersOf(head).get('payment-required');
  if (status !== 402 || offer === undefined)
    throw new Error(`The subject answered ${status} instead of a 402 with an offer.`);
  return JSON.parse(Buffer.from(offer, 'base64').toString()) as Offer;
};
