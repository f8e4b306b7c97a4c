import {
  applyD1Migrations,
  createExecutionContext,
  type D1Migration,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair } from 'jose';
import { vi } from 'vitest';
import type { Address } from '../../src/core/hex.ts';
import worker from '../../src/index.ts';
import { network, type Node } from '../unit/gateway/scripted.ts';
import { PAY_TO } from '../unit/gateway/signing.ts';
import { countGlobals } from './counted-globals.ts';
import { count } from './tally.ts';
import { addWork, countWork, sizeOf } from './work-by-step.ts';

/** The deployed Worker with real objects, which counts every outgoing request and every RPC. */
export type CountedGateway = {
  /** Resolves after all work that the request started has ended. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Accounts that have code. The code rejects every signature. */
  readonly contracts: Set<Address>;
};

export const AUDIENCE = 'https://gateway.example';

/** Wraps an object so that the calls of its methods count. */
const counted = <T extends object>(real: T, nameOf: (method: string) => string): T =>
  new Proxy(real, {
    get: (_, key) => {
      const value: unknown = Reflect.get(real, key);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        count(nameOf(String(key)));
        return Reflect.apply(value, real, given) as unknown;
      };
    },
  });

type Account = ReturnType<Env['AGENT_ACCOUNT']['getByName']>;

/** Counts each RPC to an account, with the sizes of its arguments and its answer. */
const countedAccount = (real: Account): Account =>
  new Proxy(real, {
    get: (_, key) => {
      const value: unknown = Reflect.get(real, key);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]): Promise<unknown> => {
        count(`account.${String(key)}`);
        addWork('arguments', 'RPC', 1);
        addWork('arguments', 'RPC characters', sizeOf(given));
        const answer: unknown = await Reflect.apply(value, real, given);
        addWork('arguments', 'RPC characters of the answer', sizeOf(answer));
        return answer;
      };
    },
  });

/** Creating a stub is free. */
const countedAccounts = (real: Env['AGENT_ACCOUNT']): Env['AGENT_ACCOUNT'] =>
  new Proxy(real, {
    get: (_, key) =>
      key === 'getByName'
        ? (name: string) => countedAccount(real.getByName(name))
        : Reflect.get(real, key),
  });

const receiptKey = async (): Promise<string> => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
};

/**
 * A node on which every account holds $1,000 and has used no nonce. Each batch starts with a request for the block number, which counts the
 * batch.
 */
const nodeOf = (contracts: ReadonlySet<Address>): Node => ({
  eth_blockNumber: () => {
    count('chain');
    addWork('proof', 'subrequest', 1);
    return '0x14';
  },
  eth_getCode: ([account]: [Address]) => (contracts.has(account) ? '0x60' : '0x'),
  eth_call: ([{ data }]: [{ data: string }]) =>
    word(data.startsWith(BALANCE_OF) ? 1_000_000_000n : 0n),
});
const BALANCE_OF = '0x70a08231';
const word = (value: bigint): string => `0x${value.toString(16).padStart(64, '0')}`;

/** Counts calls of WebCrypto. */
const countNative = (name: 'digest' | 'sign'): void => {
  const real = crypto.subtle[name].bind(crypto.subtle) as (...given: unknown[]) => unknown;
  vi.spyOn(crypto.subtle as unknown as Record<string, typeof real>, name).mockImplementation(
    (...given) => {
      count(`native.${name}`);
      countWork(`native.${name}`);
      return real(...given);
    },
  );
};

/** Opens the Worker. Call it once per test file, because an isolate has one receipt key. */
export const countedGateway = async (): Promise<CountedGateway> => {
  const contracts = new Set<Address>();
  const { TEST_MIGRATIONS } = env as unknown as { TEST_MIGRATIONS: D1Migration[] };
  await applyD1Migrations(env.AUDIT_DB, TEST_MIGRATIONS);
  const variables: Env = {
    ...env,
    AUDIENCES: AUDIENCE,
    PAY_TO: JSON.stringify({ 'eip155:84532': PAY_TO }),
    RPC_URLS: JSON.stringify({ 'eip155:84532': ['https://rpc.example'] }),
    FACILITATORS: JSON.stringify([{ url: 'https://facilitator.example' }]),
    UPSTREAM_URL: 'https://upstream.example',
    RECEIPT_KEY: await receiptKey(),
    AGENT_ACCOUNT: countedAccounts(env.AGENT_ACCOUNT),
    AUDIT_DB: counted(env.AUDIT_DB, (method) => `database.${method}`),
    SHIELD: counted(env.SHIELD, () => 'rateLimit'),
  };
  for (const name of ['digest', 'sign'] as const) countNative(name);
  countGlobals();
  network(nodeOf(contracts), () => {
    count('upstream');
    addWork('dispatch', 'subrequest', 1);
    return Response.json({ word: 'river' });
  });
  return {
    contracts,
    fetch: async (request) => {
      const context = createExecutionContext();
      const answer = await worker.fetch(
        request as Request<unknown, IncomingRequestCfProperties>,
        variables,
        context,
      );
      await waitOnExecutionContext(context);
      return answer;
    },
  };
};
