import { recoverAddress } from 'viem/utils';
import { expect } from 'vitest';
import {
  type CountersignError,
  createManagement,
  type ManagementOptions,
} from '../../../src/client/index.ts';
import { digestOf, intentTypedData } from '../../../src/client/signer.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import {
  account,
  type Arrived,
  BASE_SEPOLIA,
  challenged,
  clientErrorOf,
  GATEWAY,
  intentOf,
  NOW,
  type Step,
} from './server.ts';

export const OWNER = `${BASE_SEPOLIA}:${account.address.toLowerCase()}`;
export const OTHER = `eip155:8453:${account.address.toLowerCase()}`;
export const HASH = `0x${'5a'.repeat(32)}`;
export const POLICY = { perCall: '$0.05', windows: [{ every: 'day' as const, limit: '$2' }] };

export const clientOf = (
  server: { readonly fetch: typeof globalThis.fetch },
  more: Partial<ManagementOptions> = {},
) => createManagement({ gateway: GATEWAY, account, now: () => NOW, ...more, fetch: server.fetch });

export const json =
  (body: unknown, headers: Readonly<Record<string, string>> = {}): Step =>
  () =>
    Response.json(body, { headers });

/** The 401 that any gateway returns. */
export const CHALLENGE: Step = () => challenged();

export const ORDERED = { changed: true, revision: 7, acknowledged: [], silent: [] };

/** Runs a call that must fail, and returns its error. */
export const errorOf = async (work: () => Promise<unknown>): Promise<CountersignError> =>
  await clientErrorOf(work());

/** Expects that the account signed a request's intent for exactly the request that arrived. */
export const expectSigned = async (arrived: Arrived | undefined, tool: string): Promise<void> => {
  if (arrived === undefined) throw new Error('nothing arrived');
  const { intent, chainId, signature } = intentOf(arrived);
  const url = new URL(arrived.url);
  expect(intent).toMatchObject({
    agent: account.address.toLowerCase(),
    audience: GATEWAY,
    tool,
    method: arrived.method,
    target: url.pathname + url.search,
    contentType: arrived.headers.get('content-type') ?? '',
    payloadDigest: sha256Hex(utf8(arrived.body)),
    maxAmount: 0n,
    payTo: `0x${'0'.repeat(40)}`,
    asset: `0x${'0'.repeat(40)}`,
    authority: `0x${'0'.repeat(64)}`,
  });
  const hash = digestOf(intentTypedData(intent, chainId));
  expect(await recoverAddress({ hash, signature })).toBe(account.address);
};
