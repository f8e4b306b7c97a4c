import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { randomHex, snapshotOf, trust } from '../durable-objects/support.ts';
import { addressOf, NETWORK, PAY_TO } from '../unit/gateway/signing.ts';
import { DOUBTFUL, forged, HOPELESS } from './forged.ts';
import { type CountedGateway, countedGateway } from './gateway.ts';
import { requestWith, vanilla } from './payments.ts';
import { tally } from './tally.ts';

/** Number of invalid signatures. They must leave nothing behind (law 12): no account, no row, no memory of a key. */
const FLOOD = 512;
const agent = addressOf('agent');

let gateway: CountedGateway;
let good: Awaited<ReturnType<typeof vanilla>>;
beforeAll(async () => {
  gateway = await countedGateway();
  // Stop the clock, so that no call reads the catalogue again.
  vi.useFakeTimers({ now: nowSeconds() * 1_000, toFake: ['Date'] });
  good = await vanilla('agent');
  await gateway.fetch(requestWith(undefined));
});
beforeEach(() => void tally());
afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Each request gets a new client address, so that the rate limit does not reject it. */
let clients = 0;
const newClient = () => {
  clients += 1;
  return { 'CF-Connecting-IP': `2001:db8:0:${clients.toString(16)}::1` };
};

const send = async (payload: unknown, headers: Readonly<Record<string, string>>) => {
  const answer = await gateway.fetch(requestWith(payload, headers));
  const body = await answer.json<{ readonly type: string; readonly fault?: string }>();
  return { status: answer.status, type: body.type.split(':').at(-1), fault: body.fault };
};

const self = env.AGENT_ACCOUNT.idFromName(`${NETWORK}:${PAY_TO}`);

/** The tables of the gateway's own account. Isolates read the tools from it, but strangers must not make it create a table. */
const ownTables = () =>
  runInDurableObject(env.AGENT_ACCOUNT.get(self), (_, { storage }) => tablesIn(storage));

/** The accounts that received an RPC, without the gateway's own. */
const touchedAccounts = async () => {
  const ids = await listDurableObjectIds(env.AGENT_ACCOUNT);
  return ids.filter((id) => !id.equals(self));
};
const tablesIn = ({ sql }: DurableObjectStorage) =>
  sql
    .exec(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    )
    .toArray();

const cases = Object.entries({ ...HOPELESS, ...DOUBTFUL });

/** Uses the kinds of invalid signatures in turn. */
const floodOf = (at: number, from: Address) => {
  const [name, sign] = cases[at % cases.length] ?? ['none', () => '0x' as const];
  return { name, ...forged(good, from, sign) };
};

describe(`${FLOOD} invalid signatures of as many claimed accounts`, () => {
  it('are rejected with 400, and leave no account, no row and no table', async () => {
    const flood = Array.from({ length: FLOOD }, (_, at) => floodOf(at, randomHex(20)));
    tally();
    for (const { payload, name } of flood) {
      expect(await send(payload, newClient()), name).toMatchObject({
        status: 400,
        type: 'invalid-signature',
      });
    }
    const each = FLOOD / cases.length;
    const doubtful = each * Object.keys(DOUBTFUL).length;
    const { keccak = 0, ...used } = tally();
    expect(used).toEqual({
      'native.digest': FLOOD,
      // The gateway recovers keys only from signatures of 65 bytes that pass the strict rules.
      recovery: 2 * each,
      rateLimit: doubtful,
      chain: doubtful,
    });
    // Hashes of the transfer, of its digest, and of each recovered key's address. About half of the random r are no point's x and recover no
    // key.
    expect(keccak).toBeGreaterThan(2 * FLOOD + each);
    expect(keccak).toBeLessThanOrEqual(2 * FLOOD + 2 * each);
    expect(await touchedAccounts()).toEqual([]);
    expect(await ownTables()).toEqual([]);
  });

  it.each(Object.entries(HOPELESS))(
    '%s are rejected without a request to the chain',
    async (_, sign) => {
      const { payload } = forged(good, randomHex(20), sign);
      tally();
      expect(await send(payload, newClient())).toMatchObject({
        status: 400,
        type: 'invalid-signature',
      });
      expect(tally()).toEqual({ 'native.digest': 1, keccak: 2 });
    },
  );

  it.each(Object.entries(DOUBTFUL))(
    '%s cost one request to the chain: the account could be a contract',
    async (_, sign) => {
      const { payload } = forged(good, randomHex(20), sign);
      expect(await send(payload, newClient())).toEqual({
        status: 400,
        type: 'invalid-signature',
        fault: 'wrong_signer',
      });
      expect(tally()).toMatchObject({ rateLimit: 1, chain: 1 });
    },
  );
});

describe('invalid signatures that claim a paying account', () => {
  it('cost it no row and no RPC', async () => {
    await trust(agent, 1_000_000n, 1_000_000_000n);
    const before = await snapshotOf(agent);
    for (let sent = 0; sent < 48; sent += 1) {
      expect((await send(floodOf(sent, agent).payload, newClient())).status).toBe(400);
    }
    const calls = Object.keys(tally()).filter((name) => name.startsWith('account.'));
    expect(calls).toEqual([]);
    expect(await snapshotOf(agent)).toEqual(before);
    expect((await gateway.fetch(requestWith(good))).status).toBe(200);
    expect(tally()).toMatchObject({ recovery: 1, 'account.reserve': 1, 'account.finish': 1 });
  });
});

describe('the rate limit', () => {
  it('rejects a client over it with 429 before any request to the chain', async () => {
    const client = newClient();
    let refused = 0;
    let sent = 0;
    for (; refused < 50 && sent < 500; sent += 1) {
      const { payload } = forged(good, randomHex(20), DOUBTFUL['not of 65 bytes']);
      const { status, type } = await send(payload, client);
      if (status === 429) refused += 1;
      expect([status, type]).toEqual(
        status === 429 ? [429, 'too-many-requests'] : [400, 'invalid-signature'],
      );
    }
    expect(refused).toBe(50);
    const { rateLimit, chain, recovery = 0 } = tally();
    expect({ rateLimit, chain, recovery }).toEqual({
      rateLimit: sent,
      chain: sent - refused,
      recovery: 0,
    });
    // The gateway counts other clients separately, and does not count valid payments.
    const { payload } = forged(good, randomHex(20), DOUBTFUL['not of 65 bytes']);
    expect((await send(payload, newClient())).status).toBe(400);
    expect((await gateway.fetch(requestWith(await vanilla('agent'), client))).status).toBe(200);
    expect(await touchedAccounts()).toHaveLength(1);
  });

  it('counts a contract account whose code refuses the signature once', async () => {
    const contract = randomHex(20);
    gateway.contracts.add(contract);
    const { payload } = forged(good, contract, DOUBTFUL['of another key']);
    tally();
    expect(await send(payload, newClient())).toEqual({
      status: 400,
      type: 'invalid-signature',
      fault: 'contract_refused',
    });
    expect(tally()).toMatchObject({ rateLimit: 1, chain: 2 });
    expect(await touchedAccounts()).toHaveLength(1);
  });
});

describe('copies of one settled payment', () => {
  const HOUR = 3_600;

  it('from new clients reach its account no more often than the limit, and cost it no row', async () => {
    const payment = await vanilla('agent');
    expect((await gateway.fetch(requestWith(payment))).status).toBe(200);
    const before = await snapshotOf(agent);
    tally();
    const statuses = new Map<number, number>();
    for (let sent = 0; sent < 300; sent += 1) {
      const { status } = await gateway.fetch(requestWith(payment, newClient()));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    const reserves = tally()['account.reserve'] ?? 0;
    expect(Object.fromEntries(statuses)).toEqual({ 409: reserves, 429: 300 - reserves });
    expect(reserves).toBeLessThan(150);
    expect(await snapshotOf(agent)).toEqual(before);
    // New calls of the same payer do not count with the copies.
    tally();
    expect((await gateway.fetch(requestWith(await vanilla('agent')))).status).toBe(200);
    expect(tally()).not.toHaveProperty('rateLimit');
  });

  it('cost no recovery and no RPC once they are a day old', async () => {
    const payment = await vanilla('agent');
    vi.setSystemTime((nowSeconds() + 25 * HOUR + 1) * 1_000);
    await gateway.fetch(requestWith(undefined));
    tally();
    expect(await send(payment, newClient())).toMatchObject({ status: 400, type: 'proof-too-old' });
    expect(tally()).toEqual({});
  });
});
