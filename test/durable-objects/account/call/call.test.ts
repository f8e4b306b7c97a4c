import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { err } from '../../../../src/core/result.ts';
import { openCatalogue } from '../../../../src/catalog/live-catalogue.ts';
import { BUILT_IN_POLICY } from '../../../../src/policy/policy.ts';
import { parseConfig } from '../../../../src/config/config.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { openSigner } from '../../../../src/crypto/signer.ts';
import { call } from '../../../../src/gateway/call.ts';
import type { Gateway } from '../../../../src/gateway/gateway.ts';
import { openReplayCache } from '../../../../src/gateway/replay.ts';
import { openBackends } from '../../../../src/settlement/backends/registry.ts';
import { openChainHealth } from '../../../../src/settlement/chain/health.ts';
import { purseOf, randomHex, token, trust } from '../../support.ts';
import toolsJson from '../../../../tools.json';
import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';

const account = privateKeyToAccount(randomHex(32));
const payer = account.address.toLowerCase() as `0x${string}`;

type Trace = { readonly events: string[]; readonly kept: Promise<unknown>[] };

/** A gateway that records every outgoing request, with a real account object. */
const traced = async (): Promise<{ gateway: Gateway; trace: Trace }> => {
  const trace: Trace = { events: [], kept: [] };
  const config = parseConfig(env, toolsJson);
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!config.ok || !signer.ok) throw new Error('the test gateway is misconfigured');
  const catalogue = openCatalogue({
    policy: BUILT_IN_POLICY,
    writeTexts: async () => true,
    read: async () => ({ top: 0, tools: [], hasTexts: true }),
    raise: async () => true,
    deployed: { ...config.value, documents: toolsJson.tools },
  });
  await catalogue.fresh(nowSeconds());
  const gateway: Gateway = {
    config: config.value,
    catalogue,
    signer: signer.value,
    backends: openBackends(config.value, {
      relayer: (network) => env.RELAYER.getByName(network),
      emit: () => undefined,
    }),
    chainHealth: openChainHealth(),
    watches: new Map(),
    emit: () => undefined,
    account: (id) => {
      const stub = env.AGENT_ACCOUNT.getByName(id);
      return {
        reserve: (claimed, attempt, evidence) => {
          trace.events.push('reserve');
          return stub.reserve(claimed, attempt, evidence);
        },
        finish: (claimed, attempt, outcome) => {
          trace.events.push('finish');
          return stub.finish(claimed, attempt, outcome);
        },
        lookUp: (question) => stub.lookUp(question),
        apply: (order) => stub.apply(order),
        standing: (question) => stub.standing(question),
        rights: (question) => stub.rights(question),
      };
    },
    offeredGrants: { issuerOf: async () => undefined, keep: async () => undefined },
    rateLimit: async () => {
      trace.events.push('shield');
      return true;
    },
    replayCache: openReplayCache(),
    service: () => undefined,
    openEgress: async () => err({ reason: 'secret_unavailable' }),
    openCard: async () => err({ reason: 'secret_unavailable' }),
    raise: async () => true,
    waitUntil: (promise) => trace.kept.push(promise),
  };
  return { gateway, trace };
};

/** Answers requests to the upstream. Every other `fetch` goes to a node or a facilitator. */
const upstream = (trace: Trace, answer: () => Promise<Response>): void => {
  vi.stubGlobal('fetch', async (input: RequestInfo | URL) => {
    const url = new URL(input instanceof Request ? input.url : input);
    trace.events.push(url.origin === 'https://upstream.example' ? 'upstream' : 'other');
    return answer();
  });
};

const paidRequest = async (url: string, value: bigint): Promise<Request> => {
  const payTo = inject('people').payTo;
  const validBefore = BigInt(nowSeconds() + 3_600);
  const authorization = {
    from: account.address,
    to: payTo,
    value,
    validAfter: 0n,
    validBefore,
    nonce: randomHex(32),
  };
  const signature = await account.signTypedData({
    domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: token.address },
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  });
  const payload = {
    x402Version: 2,
    accepted: {
      scheme: 'exact',
      network: token.network,
      amount: value.toString(),
      asset: token.address,
      payTo,
      maxTimeoutSeconds: 3_600,
      extra: { name: 'USDC', version: '2' },
    },
    payload: {
      signature,
      authorization: {
        ...authorization,
        value: value.toString(),
        validAfter: '0',
        validBefore: validBefore.toString(),
      },
    },
  };
  return new Request(url, { headers: { 'PAYMENT-SIGNATURE': btoa(JSON.stringify(payload)) } });
};

beforeAll(async () => {
  const { TEST_MIGRATIONS } = env as unknown as { TEST_MIGRATIONS: D1Migration[] };
  await applyD1Migrations(env.AUDIT_DB, TEST_MIGRATIONS);
});
afterEach(() => vi.unstubAllGlobals());

describe('a warm deferred call', () => {
  test('makes one object call before the tool and one after, and calls no chain, facilitator or database', async () => {
    await trust(payer, 1_000_000n, 10_000_000n);
    const { gateway, trace } = await traced();
    const queries = vi.spyOn(env.AUDIT_DB, 'prepare');
    upstream(trace, async () => Response.json({ word: 'river' }));
    const response = await call(
      gateway,
      await paidRequest('https://gateway.example/tools/lookup?word=river', 1_000n),
    );
    expect(response.status).toBe(200);
    expect(trace.events).toEqual(['reserve', 'upstream', 'finish']);
    expect(queries).not.toHaveBeenCalled();
    expect(response.headers.get('Cache-Control')).toBe('private, no-store');
  });

  test('outlives its caller: reserve to finish is one promise, passed to waitUntil and returned (law 5)', async () => {
    const { gateway, trace } = await traced();
    let release: (response: Response) => void = () => undefined;
    const hanging = new Promise<Response>((resolve) => {
      release = resolve;
    });
    upstream(trace, () => hanging);
    const unsettled = BigInt((await purseOf(payer)).unsettled);
    // Simulates a disconnected caller: nothing awaits the answer.
    void call(gateway, await paidRequest('https://gateway.example/tools/lookup?word=lake', 1_000n));
    await vi.waitFor(() => expect(trace.events).toEqual(['reserve', 'upstream']), {
      timeout: 30_000,
    });
    expect(trace.kept).toHaveLength(1);
    release(Response.json({ word: 'lake' }));
    const answered = (await trace.kept[0]) as Response;
    expect(answered.status).toBe(200);
    expect(trace.events).toEqual(['reserve', 'upstream', 'finish']);
    expect(BigInt((await purseOf(payer)).unsettled)).toBe(unsettled + 1_000n);
  });

  test('is refused without a tool call when the account is unreachable (law 2)', async () => {
    const { gateway, trace } = await traced();
    upstream(trace, async () => Response.json({}));
    const broken: Gateway = {
      ...gateway,
      account: () => {
        throw new Error('overloaded');
      },
    };
    const response = await call(
      broken,
      await paidRequest('https://gateway.example/tools/lookup?word=sea', 1_000n),
    );
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('overloaded');
    expect(trace.events).toEqual([]);
  });

  test('returns no answer that the account could not record', async () => {
    const { gateway, trace } = await traced();
    upstream(trace, async () => Response.json({ word: 'secret' }));
    const deaf: Gateway = {
      ...gateway,
      account: (id) => ({
        ...gateway.account(id),
        finish: async () => ({ verdict: 'unavailable' }),
      }),
    };
    const response = await call(
      deaf,
      await paidRequest('https://gateway.example/tools/lookup?word=bay', 1_000n),
    );
    expect(response.status).toBe(503);
    expect(trace.events).toEqual(['reserve', 'upstream']);
    expect(await response.text()).not.toContain('secret');
  });
});
