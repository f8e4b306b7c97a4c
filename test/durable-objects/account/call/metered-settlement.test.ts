import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { env } from 'cloudflare:workers';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAddress } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verify } from '../../../../src/audit/verify/verify.ts';
import { readMeter } from '../../../../src/catalog/metered-price.ts';
import { parseTool } from '../../../../src/catalog/schema.ts';
import type { Tool } from '../../../../src/catalog/tool.ts';
import { type Config, parseConfig } from '../../../../src/config/config.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Address } from '../../../../src/core/hex.ts';
import { err } from '../../../../src/core/result.ts';
import { openSigner } from '../../../../src/crypto/signer.ts';
import { call } from '../../../../src/gateway/call.ts';
import type { Gateway } from '../../../../src/gateway/gateway.ts';
import { openReplayCache } from '../../../../src/gateway/replay.ts';
import type { SettlementMessage } from '../../../../src/protocol/payment.ts';
import { openChainHealth } from '../../../../src/settlement/chain/health.ts';
import { consumeSettlement } from '../../../../src/settlement/consumer.ts';
import { storeChunk } from '../../../../src/audit/store.ts';
import { examine } from '../../../../src/settlement/sweep/examine.ts';
import toolsJson from '../../../../tools.json';
import { fileOf, textOf } from '../../../support/verify-log.ts';
import { db, freshDatabase, messageOf } from '../../../unit/audit/database.ts';
import { soldBy } from '../../../unit/gateway/fixture.ts';
import {
  chain,
  facilitator,
  freshPayer,
  headBlock,
  rpc,
} from '../../../unit/settlement/real-chain.ts';
import { lower } from '../../../unit/settlement/real-permits.ts';
import { backendsAt } from '../../../unit/settlement/scripted.ts';
import { site } from '../../../unit/settlement/sweep/ledger.ts';
import { collectSettlements } from '../../sent-messages.ts';
import { caughtUp, entriesOf, purseOf, ringNow, token } from '../../support.ts';

/**
 * Gateway, account, meter, chain, Circle's USDC, the official facilitator and the official clients are real. The tool is a stub that answers
 * with 200 bytes; each costs 21 atomic units, of at most 100,000.
 */
const MOST = 100_000n;
const BYTES = 200;
const CHARGE = 21n * BigInt(BYTES);
const FUNDS = 10n * MOST;

const metered = (settlement: 'deferred' | 'upfront'): Tool => {
  const parsed = parseTool(
    {
      ...{ id: 'meter', method: 'GET', path: '/tools/meter', description: 'Sells bytes.' },
      ...{ settlement, upstream: 'https://upstream.example/meter' },
      price: { max: '$0.10', meter: { usage: 'counted', rates: { bytes: '$0.000021' } } },
    },
    'public',
  );
  const read = parsed.ok ? readMeter(parsed.value) : parsed;
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

let payTo: Address;
let payer: PrivateKeyAccount;

beforeEach(async () => {
  await freshDatabase();
  payTo = lower(privateKeyToAddress(generatePrivateKey()));
  payer = await freshPayer(FUNDS);
  const real = globalThis.fetch.bind(globalThis);
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== 'https://upstream.example') return real(input, init);
    return new Response('x'.repeat(BYTES), { headers: { 'Content-Type': 'text/plain' } });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const openGateway = async (tool: Tool): Promise<Gateway> => {
  const parsed = parseConfig(env, toolsJson);
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!parsed.ok || !signer.ok) throw new Error('the test gateway is misconfigured');
  const config: Config = {
    ...parsed.value,
    payTo: new Map([[token.network, payTo]]),
    payees: new Map([[token.network, [payTo]]]),
    relayers: new Map(),
    tools: [tool],
  };
  return {
    config,
    catalogue: soldBy(config),
    signer: signer.value,
    backends: backendsAt([facilitator]),
    chainHealth: openChainHealth(),
    watches: new Map(),
    emit: () => undefined,
    account: (id) => env.AGENT_ACCOUNT.getByName(id),
    offeredGrants: { issuerOf: async () => undefined, keep: async () => undefined },
    rateLimit: async () => true,
    replayCache: openReplayCache(),
    service: () => undefined,
    openEgress: async () => err({ reason: 'secret_unavailable' }),
    openCard: async () => err({ reason: 'secret_unavailable' }),
    raise: async () => true,
    waitUntil: () => undefined,
  };
};

/** Buys with the stock client of one version of x402, which knows no scheme but `exact`. */
const buy = async (gateway: Gateway, version: 1 | 2): Promise<Response> => {
  const client = new x402Client();
  if (version === 2) client.register('eip155:*', new ExactEvmScheme(payer));
  else client.registerV1('base-sepolia', new ExactEvmSchemeV1(payer));
  const serve = async (input: RequestInfo | URL, init?: RequestInit) => {
    const answer = await call(gateway, new Request(input, init));
    if (version === 2 || answer.status !== 402) return answer;
    // A version 1 client reads the body: it knows no header.
    const headers = new Headers(answer.headers);
    headers.delete('PAYMENT-REQUIRED');
    return new Response(answer.body, { status: 402, headers });
  };
  return wrapFetchWithPayment(serve, client)('https://gateway.example/tools/meter');
};

const deliver = async ({ backends }: Gateway, messages: readonly SettlementMessage[]) =>
  consumeSettlement(
    [
      {
        ...{ id: crypto.randomUUID(), body: messages, attempts: 1 },
        ...{ ack: () => undefined, retry: () => undefined },
      },
    ],
    {
      chains: new Map([[token.network, { urls: [rpc], confirmations: 1 }]]),
      backends,
      presentations: new Map(),
      attempts: { record: async () => undefined, forget: async () => undefined },
      recordHealth: async () => undefined,
      emit: () => undefined,
      account: (id) => env.AGENT_ACCOUNT.getByName(id),
      queue: 'countersign-settlement',
      deadLetter: async () => {
        throw new Error('a message that cannot be read');
      },
      sendAgain: async () => undefined,
    },
    nowSeconds(),
  );

/** Compares the account's log with the chain: by the verifier, and by the reconciliation of what D1 has of it. */
const expectChain = async (from: Address, first: number): Promise<void> => {
  const entries = await entriesOf(from);
  const files = { entries: [fileOf('log.ndjson', textOf(entries))] };
  const { checks } = await verify(files, { rpc: [rpc] });
  // The catalogue of this gateway logs no terms.
  const broken = checks.filter(({ check, verdict }) => check !== 'prices' && verdict === 'BROKEN');
  expect(broken).toEqual([]);
  expect(checks.find(({ check }) => check === 'settlements')).toMatchObject({ verdict: 'proved' });
  expect(await storeChunk(db, await messageOf(entries), nowSeconds())).toMatchObject({ ok: true });
  const blocks = { from: first, to: await headBlock() };
  const receiver = site({ urls: [rpc], token: token.address, payees: [payTo] });
  const examined = await examine(db, receiver, blocks);
  const moved = entries.filter(({ type }) => type === 'payment.settled').length;
  const sum = { payments: moved, amount: BigInt(moved) * MOST };
  expect(examined).toMatchObject({ ok: true, value: { differences: [], chain: sum, ledger: sum } });
};

describe.each([1, 2] as const)('the stock client of x402 version %i', (version) => {
  test('pays a metered tool by exact, and gets back as credit what the meter did not charge', async () => {
    const gateway = await openGateway(metered('deferred'));
    const from = lower(payer.address);
    const first = (await headBlock()) + 1;
    const sent = await collectSettlements(from);
    // The payment of an unknown payer settles before the tool, and its rest becomes credit at once.
    const answer = await buy(gateway, version);
    expect([answer.status, (await answer.text()).length]).toEqual([200, BYTES]);
    await caughtUp(from);
    expect(await purseOf(from)).toMatchObject({
      ...{ credit: `${MOST - CHARGE}`, unsettled: '0', settled: `${MOST}` },
    });
    // Not enough for another maximum, so the next payment settles afterwards.
    expect((await buy(gateway, version)).status).toBe(200);
    expect(await purseOf(from)).toMatchObject({
      ...{ credit: `${MOST - CHARGE}`, unsettled: `${MOST}` },
    });
    await ringNow(from);
    await expect.poll(() => sent.length).toBeGreaterThan(0);
    await deliver(gateway, sent);
    await deliver(gateway, sent);
    await caughtUp(from);
    expect(await purseOf(from)).toMatchObject({
      ...{ credit: `${2n * (MOST - CHARGE)}`, unsettled: '0', settled: `${2n * MOST}` },
    });
    // Now the credit covers a maximum: the third payment is dropped, and only its charge leaves the credit.
    expect((await buy(gateway, version)).status).toBe(200);
    const credit = 2n * MOST - 3n * CHARGE;
    expect(await purseOf(from)).toMatchObject({ credit: `${credit}`, unsettled: '0' });
    expect(await chain.balanceOf(payer.address)).toBe(FUNDS - 2n * MOST);
    // What the chain moved is what was charged and what is owed as credit.
    expect(await chain.balanceOf(payTo)).toBe(3n * CHARGE + credit);
    await expectChain(from, first);
  });
});

test('a tool that settles first charges its meter, too', async () => {
  const gateway = await openGateway(metered('upfront'));
  const from = lower(payer.address);
  const first = (await headBlock()) + 1;
  expect((await buy(gateway, 2)).status).toBe(200);
  expect((await buy(gateway, 2)).status).toBe(200);
  await caughtUp(from);
  const credit = 2n * (MOST - CHARGE);
  expect(await purseOf(from)).toMatchObject({ credit: `${credit}`, settled: `${2n * MOST}` });
  expect(await chain.balanceOf(payTo)).toBe(2n * CHARGE + credit);
  await expectChain(from, first);
});
