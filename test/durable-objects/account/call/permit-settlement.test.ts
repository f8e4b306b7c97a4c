import { x402Client } from '@x402/core/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { env } from 'cloudflare:workers';
import type { PrivateKeyAccount } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { people } from '../../../../dev/stack/people.ts';
import { parseConfig } from '../../../../src/config/config.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { err } from '../../../../src/core/result.ts';
import { openSigner } from '../../../../src/crypto/signer.ts';
import { call } from '../../../../src/gateway/call.ts';
import type { Gateway } from '../../../../src/gateway/gateway.ts';
import { openReplayCache } from '../../../../src/gateway/replay.ts';
import type { RelayerRpc } from '../../../../src/protocol/relayer-contract.ts';
import type { SettlementMessage } from '../../../../src/protocol/payment.ts';
import type { BackendSettings } from '../../../../src/settlement/backends/registry.ts';
import type { RelayerSetting } from '../../../../src/settlement/backends/relayer.ts';
import { openChainHealth } from '../../../../src/settlement/chain/health.ts';
import { consumeSettlement } from '../../../../src/settlement/consumer.ts';
import toolsJson from '../../../../tools.json';
import { chain, freshPayer, headBlock, rpc } from '../../../unit/settlement/real-chain.ts';
import { approvedPayer, CHARGE, lower, MOST } from '../../../unit/settlement/real-permits.ts';
import { backendsAt, facilitatorAt } from '../../../unit/settlement/scripted.ts';
import { soldBy, toolOf } from '../../../unit/gateway/fixture.ts';
import { openBench } from '../../relayer/support.ts';
import { collectSettlements } from '../../sent-messages.ts';
import { verify } from '../../../../src/audit/verify/verify.ts';
import { fileOf, textOf } from '../../../support/verify-log.ts';
import { caughtUp, entriesOf, purseOf, ringNow, token, trust } from '../../support.ts';

/**
 * Gateway, account, relayer, chain, Permit2 and the official client are real; the proxy is the stand-in. Only the tool is a stub: it charges
 * 1,260 of at most 100,000.
 */
const metered = toolOf({
  ...{ id: 'meter', method: 'GET', path: '/tools/meter', price: MOST, pricing: 'upto' },
  ...{ settlement: 'deferred', upstream: 'https://upstream.example/meter' },
});

let charge: string;

beforeEach(() => {
  charge = CHARGE.toString();
  const real = globalThis.fetch.bind(globalThis);
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== 'https://upstream.example') return real(input, init);
    return Response.json(
      { tokens: 42 },
      { headers: { 'Settlement-Overrides': JSON.stringify({ amount: charge }) } },
    );
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

type Sender = Pick<BackendSettings, 'relayers' | 'facilitators'>;

const openGateway = async (
  { relayers, facilitators }: Sender,
  relayer: Pick<RelayerRpc, 'relay'>,
): Promise<Gateway> => {
  const parsed = parseConfig(env, toolsJson);
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!parsed.ok || !signer.ok) throw new Error('the test gateway is misconfigured');
  const config = { ...parsed.value, relayers, facilitators, tools: [metered] };
  return {
    config,
    catalogue: soldBy(config),
    signer: signer.value,
    backends: backendsAt(facilitators, { relayer: () => relayer }, { relayers }),
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

/** Buys with the stock client of x402, which knows no scheme but `upto`. */
const buy = async (gateway: Gateway, payer: PrivateKeyAccount): Promise<Response> => {
  const client = new x402Client().register(
    'eip155:*',
    new UptoEvmScheme(payer, { rpcUrl: inject('rpc') }),
  );
  const serve = async (input: RequestInfo | URL, init?: RequestInit) =>
    call(gateway, new Request(input, init));
  return wrapFetchWithPayment(serve, client)('https://gateway.example/tools/meter');
};

/** Delivers messages to the consumer of the settlement queue. */
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

const settlementOf = async (payer: Address) => {
  await caughtUp(payer);
  return (await entriesOf(payer)).filter(({ type }) => type.startsWith('payment.'));
};

const withRelayer = async (payer: PrivateKeyAccount) => {
  const bench = await openBench();
  const relayer: Pick<RelayerRpc, 'relay'> = {
    relay: async (relays, urgent) => {
      const verdicts = await bench.relay(relays, urgent);
      return relays.map(({ call: id }, at) => ({
        call: id,
        verdict: verdicts[at] ?? 'unavailable',
      }));
    },
  };
  const setting: RelayerSetting = {
    ...{ addresses: [bench.address], batch: 100, wait: 0, first: true },
    maxFeePerGas: 50_000_000_000n,
  };
  const relayers = new Map([[token.network, setting]]);
  const gateway = await openGateway({ relayers, facilitators: [] }, relayer);
  return { bench, gateway, from: lower(payer.address) };
};

/** The first transaction of a log. */
const transactionOf = (text: string): string =>
  /"transaction":"(0x[0-9a-f]{64})"/.exec(text)?.[1] ?? '';

describe('the stock client with the class of `upto`', () => {
  test('pays a metered tool by permit, and the relayer settles the charge', async () => {
    const payer = await approvedPayer(10n * MOST);
    const { bench, gateway, from } = await withRelayer(payer);
    await trust(from, 10n * MOST, 10n * MOST, await headBlock());
    const sent = await collectSettlements(from);
    const answer = await buy(gateway, payer);
    expect([answer.status, await answer.json()]).toEqual([200, { tokens: 42 }]);
    await ringNow(from);
    await expect.poll(() => sent.length).toBeGreaterThan(0);
    await deliver(gateway, sent);
    await bench.onAlarm();
    await bench.onAlarm();
    expect(bench.notified).toMatchObject([{ results: [{ outcome: 'settled' }] }]);
    expect(await chain.balanceOf(payer.address)).toBe(10n * MOST - CHARGE);
    // The queue delivers the message again: the chain shows the settlement, and nothing moves.
    await deliver(gateway, sent);
    expect(await settlementOf(from)).toMatchObject([
      {},
      { type: 'payment.settled', amounts: { amount: `${CHARGE}` } },
    ]);
    expect(await purseOf(from)).toMatchObject({ unsettled: '0', held: '0', credit: '0' });
    expect(await chain.balanceOf(payer.address)).toBe(10n * MOST - CHARGE);
  });

  test('is not charged, and nothing is sent, if the tool charges nothing', async () => {
    charge = '0';
    const payer = await approvedPayer(10n * MOST);
    const { bench, gateway, from } = await withRelayer(payer);
    await trust(from, 10n * MOST, 10n * MOST, await headBlock());
    const sent = await collectSettlements(from);
    expect((await buy(gateway, payer)).status).toBe(200);
    await ringNow(from);
    expect(sent).toEqual([]);
    expect(bench.recorded).toEqual([]);
    expect(await purseOf(from)).toMatchObject({ unsettled: '0', held: '0' });
  });

  test('and neither history, allowance nor ether settles first, with its approval', async () => {
    const payer = await freshPayer(MOST);
    await chain.client.setBalance({ address: payer.address, value: 0n });
    const { gateway, from } = await withRelayer(payer);
    const answer = await buy(gateway, payer);
    expect(answer.status).toBe(200);
    expect(await settlementOf(from)).toMatchObject([{ type: 'payment.settled' }]);
  });

  test('leaves a log that the verifier proves, also against the chain', async () => {
    const payer = await approvedPayer(10n * MOST);
    const { bench, gateway, from } = await withRelayer(payer);
    const sent = await collectSettlements(from);
    // The first payment settles first, and moves all; the second moves the charge.
    expect((await buy(gateway, payer)).status).toBe(200);
    expect((await buy(gateway, payer)).status).toBe(200);
    await ringNow(from);
    await expect.poll(() => sent.length).toBeGreaterThan(0);
    await deliver(gateway, sent);
    await bench.onAlarm();
    await deliver(gateway, sent);
    expect(await settlementOf(from)).toMatchObject([
      { amounts: { amount: `${MOST}` } },
      { amounts: { amount: `${CHARGE}` } },
    ]);
    expect(await chain.balanceOf(payer.address)).toBe(9n * MOST - CHARGE);
    const entries = await entriesOf(from);
    const broken = async (text: string) => {
      const { checks } = await verify({ entries: [fileOf('log.ndjson', text)] }, { rpc: [rpc] });
      // The catalogue of this gateway logs no terms.
      const all = checks.filter(({ check }) => check !== 'prices');
      return all.flatMap(({ check, verdict }) => (verdict === 'BROKEN' ? [check] : []));
    };
    const text = textOf(entries);
    expect(await broken(text)).toEqual([]);
    // The last entry, of the settlement, is in no chain.
    const cheaper = text.replace(`"amount":"${CHARGE}"`, '"amount":"1259"');
    expect(await broken(cheaper)).toEqual(expect.arrayContaining(['payments']));
    const moved = text.replace(/"transaction":"0x[0-9a-f]{64}"(?!.*transaction)/s, (found) =>
      found.replace(/0x[0-9a-f]{64}/, transactionOf(text)),
    );
    expect(await broken(moved)).toEqual(expect.arrayContaining(['settlements']));
  });

  test('pays through a facilitator that is the offered sender', async () => {
    const payer = await approvedPayer(10n * MOST);
    const from = lower(payer.address);
    const uptoSender = lower(people.facilitators[0].address as Hex);
    const facilitators = [facilitatorAt(inject('facilitator'), { uptoSender })];
    const gateway = await openGateway(
      { relayers: new Map(), facilitators },
      { relay: async () => [] },
    );
    await trust(from, 10n * MOST, 10n * MOST, await headBlock());
    const sent = await collectSettlements(from);
    expect((await buy(gateway, payer)).status).toBe(200);
    await ringNow(from);
    await expect.poll(() => sent.length).toBeGreaterThan(0);
    await deliver(gateway, sent);
    expect(await chain.balanceOf(payer.address)).toBe(10n * MOST - CHARGE);
    expect(await settlementOf(from)).toMatchObject([
      {},
      { type: 'payment.settled', amounts: { amount: `${CHARGE}` } },
    ]);
  });
});
