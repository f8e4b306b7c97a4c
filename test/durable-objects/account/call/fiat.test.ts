import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import { USD, USD_ADDRESS } from '../../../../src/protocol/fiat-asset.ts';
import {
  accountOf,
  asset,
  entriesOf,
  factsOf,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  token,
  topUp,
} from '../../support.ts';
import {
  AUDIENCE,
  callOnce,
  denialOf,
  enrol,
  restore,
  ruleOf,
  setPolicy,
  watchLeases,
} from '../../tree-support.ts';

afterEach(restore);

const CARD = { settlement: 'card', asset: USD, onSilence: 'keep', tool: 'checkout' } as const;
const DOLLAR = 1_000_000n;

const buy = (
  payer: Hex,
  price: bigint,
  changes: Parameters<typeof callOnce>[2] = {},
  outcome: Outcome = success,
) => callOnce(payer, price, { ...CARD, ...changes }, outcome);

/** An account that an operator allows to spend dollars, at most ten an hour. */
const buyer = async (changes: object = {}): Promise<Hex> => {
  const payer = randomHex(20);
  await setPolicy(payer, {
    assets: [asset, USD],
    windows: [{ every: 'month', limit: '$10.00' }],
    ...changes,
  });
  return payer;
};

const purseIn = async (payer: Hex, of: typeof asset | typeof USD) => {
  const purse = (await snapshotOf(payer)).purses[of];
  if (purse === undefined) throw new Error(`no purse of ${of}`);
  return purse;
};
const monthIn = async (payer: Hex, of: typeof asset | typeof USD) =>
  (await purseIn(payer, of)).limits.find(({ rule }) => rule === 'window:month');

const NOTHING_MOVED = { credit: '0', creditHeld: '0', held: '0', unsettled: '0', settled: '0' };

describe('a call in fiat', () => {
  test('is denied to a stranger, who costs no row and no table', async () => {
    const payer = randomHex(20);
    const verdict = await buy(payer, DOLLAR);
    expect(denialOf(verdict)).toMatchObject({ rule: 'asset', retryAllowed: false });
    expect(await tablesOf(payer)).toEqual([]);
  });

  test('is denied to an account under the default policy, however much credit it has', async () => {
    const payer = randomHex(20);
    await topUp(payer, 100n * DOLLAR);
    expect(ruleOf(await buy(payer, 1n))).toBe('asset');
    expect(ruleOf(await callOnce(payer, 1n))).toBe('go');
  });

  test('is denied under a policy that the account wrote for itself', async () => {
    const payer = randomHex(20);
    await topUp(payer, DOLLAR);
    await setPolicy(payer, { assets: [asset, USD] }, 'owner');
    expect(ruleOf(await buy(payer, 1n))).toBe('asset');
  });

  test.each([{}, { assets: [asset] }])(
    'is denied under an operator policy that does not name the currency: %j',
    async (policy) => {
      const payer = randomHex(20);
      await setPolicy(payer, policy);
      expect(ruleOf(await buy(payer, 1n))).toBe('asset');
    },
  );

  test.each(['free', 'credit', 'upfront', 'deferred'] as const)(
    'is denied with settlement %s',
    async (settlement) => {
      expect(ruleOf(await buy(await buyer(), 1n, { settlement }))).toBe('asset');
    },
  );

  test('needs no credit and no balance, and moves no token', async () => {
    const payer = await buyer();
    const verdict = await buy(payer, 4n * DOLLAR);
    expect(verdict).toMatchObject({ verdict: 'go', paidFrom: 'card', charged: 4n * DOLLAR });
    expect(await purseIn(payer, USD)).toMatchObject(NOTHING_MOVED);
    expect((await snapshotOf(payer)).purses[asset]).toMatchObject(NOTHING_MOVED);
    const entries = await entriesOf(payer);
    expect(entries.find(({ type }) => type === 'call.accepted')).toMatchObject({
      amounts: { price: '4000000' },
      payment: { asset: USD, paidBy: 'card' },
    });
    expect(entries.at(-1)).toMatchObject({
      type: 'call.finished',
      decision: 'committed',
      amounts: { charged: '4000000' },
    });
  });

  test('counts in the window of its own asset, beside the same window in the token', async () => {
    const payer = await buyer();
    await topUp(payer, 100n * DOLLAR);
    expect(ruleOf(await buy(payer, 9n * DOLLAR))).toBe('go');
    expect(ruleOf(await callOnce(payer, 10n * DOLLAR))).toBe('go');
    expect(await monthIn(payer, USD)).toMatchObject({ spent: '9000000', remaining: '1000000' });
    expect(await monthIn(payer, asset)).toMatchObject({ spent: '10000000', remaining: '0' });
    const denied = denialOf(await buy(payer, DOLLAR + 1n));
    expect(denied).toMatchObject({ rule: 'window', limit: { spent: '9000000' } });
    expect(ruleOf(await buy(payer, DOLLAR))).toBe('go');
    expect(ruleOf(await callOnce(payer, 1n))).toBe('window');
  });

  test('stays within the cap per call and the lifetime of its asset', async () => {
    const payer = await buyer({ perCall: '$2.00', lifetime: '$3.00', windows: [] });
    expect(ruleOf(await buy(payer, 2n * DOLLAR + 1n))).toBe('per_call');
    expect(ruleOf(await buy(payer, 2n * DOLLAR))).toBe('go');
    expect(ruleOf(await buy(payer, DOLLAR + 1n))).toBe('lifetime');
  });

  test('is allowed although the account owes a debt in the token', async () => {
    const payer = await buyer();
    const by = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' } as const;
    const signature: Hex = `0x${'77'.repeat(65)}`;
    const intent = { fields: {}, signature, digest: randomHex(32), attempt: randomHex(16) };
    await stubOf(payer).apply({
      ...{ kind: 'adjust', asset, amount: -5n, reason: 'chargeback', by },
      intent: { ...intent, validBefore: nowSeconds() + 300 },
    });
    expect(ruleOf(await buy(payer, DOLLAR))).toBe('go');
  });
});

describe('the end of a call in fiat', () => {
  const month = (payer: Hex) => monthIn(payer, USD);
  const answered = (changes: Partial<Outcome>): Outcome => ({ ...success, ...changes });
  const failed = (reason: Outcome['reason'], status = 0): Outcome => ({
    ...{ success: false, status, digest: 'none', reason },
  });

  test('charges what the tool reports', async () => {
    const payer = await buyer();
    await buy(payer, 5n * DOLLAR, {}, answered({ amount: 3_210_000n }));
    expect(await month(payer)).toMatchObject({ spent: '3210000', held: '0' });
  });

  test.each([400, 402, 404, 422, 499])('releases the hold after status %i', async (status) => {
    const payer = await buyer();
    await buy(payer, 5n * DOLLAR, {}, failed('upstream_status', status));
    expect(await month(payer)).toMatchObject({ spent: '0', held: '0' });
  });

  test.each<[string, Outcome]>([
    ['a time-out', failed('timeout')],
    ['a dropped connection', failed('dropped')],
    ['half an answer', failed('truncated')],
    ['a redirect', failed('redirect', 302)],
    // The card may have been charged nevertheless.
    ['an answer that the gateway may not pass on', failed('refused')],
    ['a charge above the price', answered({ amount: 5n * DOLLAR + 1n })],
    ['status 500', failed('upstream_status', 500)],
    ['status 504', failed('upstream_status', 504)],
  ])('keeps the hold while the outcome is unknown: %s', async (_, outcome) => {
    const payer = await buyer();
    await buy(payer, 5n * DOLLAR, {}, outcome);
    expect(await month(payer)).toMatchObject({ spent: '0', held: '5000000' });
    expect(ruleOf(await buy(payer, 5n * DOLLAR + 1n))).toBe('window');
    const entry = (await entriesOf(payer)).find(({ type }) => type === 'call.finished');
    expect(entry).toMatchObject({ decision: 'abandoned', payment: { kept: true } });
  });

  test.each([
    [true, { spent: '5000000', held: '0' }],
    [false, { spent: '0', held: '0' }],
  ] as const)('is resolved by the operator (charge %s)', async (charge, after) => {
    const payer = await buyer();
    const call = intentCallOf(payer, { ...CARD, price: 5n * DOLLAR, audience: AUDIENCE });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
    await stubOf(payer).finish(call.id, attempt, failed('timeout'));
    const resolved = await stubOf(payer).apply({
      ...{ kind: 'resolve', call: call.id, charge, reason: 'asked the merchant' },
      by: { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' },
      intent: {
        ...{ fields: {}, signature: `0x${'77'.repeat(65)}`, digest: randomHex(32) },
        ...{ attempt: randomHex(16), validBefore: nowSeconds() + 300 },
      },
    });
    expect(resolved).toMatchObject({ verdict: 'applied', changed: true });
    expect(await month(payer)).toMatchObject(after);
    expect(await purseIn(payer, USD)).toMatchObject(NOTHING_MOVED);
  });
});

describe('a tree with a budget in fiat', () => {
  /** An owner that an operator allows ten dollars a month, its manager, and two agents of the manager. */
  const tree = async (terms: Partial<AgentDelegation> = {}) => {
    const owner = await buyer();
    const manager = randomHex(20);
    const agents = [randomHex(20), randomHex(20)] as const;
    const upper = await enrol(owner, manager, { asset: USD_ADDRESS, depth: 2 });
    for (const agent of agents) {
      const more = { asset: USD_ADDRESS, parent: upper.hash, depth: 1, ...terms };
      await enrol(manager, agent, more);
    }
    return { owner, manager, agents };
  };

  test('is spent by agents of agents, to its last unit and no further', async () => {
    const { owner, agents } = await tree();
    const [first, second] = agents;
    expect(ruleOf(await buy(first, 4n * DOLLAR))).toBe('go');
    expect(ruleOf(await buy(first, 2n * DOLLAR))).toBe('go');
    expect(ruleOf(await buy(second, 4n * DOLLAR + 1n))).toBe('window');
    expect(ruleOf(await buy(second, 4n * DOLLAR))).toBe('go');
    expect(ruleOf(await buy(first, 1n))).toBe('window');
    expect(ruleOf(await buy(owner, 1n))).toBe('window');
  });

  test('keeps its token budget apart: neither counts the other', async () => {
    const { owner, agents } = await tree();
    await topUp(owner, 100n * DOLLAR);
    const worker = randomHex(20);
    await enrol(owner, worker);
    // The default policy's cap of five dollars applies to calls paid in tokens, not in fiat.
    expect(ruleOf(await buy(agents[0], 10n * DOLLAR))).toBe('go');
    for (const half of [5n * DOLLAR, 5n * DOLLAR]) {
      expect(ruleOf(await callOnce(worker, half))).toBe('go');
    }
    expect(ruleOf(await callOnce(worker, 1n))).toBe('window');
    expect(ruleOf(await buy(worker, 1n))).toBe('asset');
    expect(ruleOf(await callOnce(agents[0], 1n))).toBe('asset');
  });

  test('is used beside a grant in the token, in either order', async () => {
    for (const isFiatLast of [true, false]) {
      const owner = await buyer();
      await topUp(owner, 100n * DOLLAR);
      const agent = randomHex(20);
      const assets = isFiatLast ? [token.address, USD_ADDRESS] : [USD_ADDRESS, token.address];
      for (const each of assets) await enrol(owner, agent, { asset: each });
      expect(ruleOf(await buy(agent, DOLLAR))).toBe('go');
      expect(ruleOf(await callOnce(agent, DOLLAR))).toBe('go');
      expect(await monthIn(owner, USD)).toMatchObject({ limit: '10000000' });
    }
  });

  test('limits an agent by its own grant too', async () => {
    const { agents } = await tree({ maxPerCall: 3n * DOLLAR, maxTotal: 5n * DOLLAR });
    expect(ruleOf(await buy(agents[0], 3n * DOLLAR + 1n))).toBe('per_call');
    expect(ruleOf(await buy(agents[0], 3n * DOLLAR))).toBe('go');
    expect(ruleOf(await buy(agents[0], 2n * DOLLAR + 1n))).toBe('lifetime');
  });

  test('buys nothing if no operator has allowed the currency to an account of it', async () => {
    const owner = randomHex(20);
    await topUp(owner, 100n * DOLLAR);
    await setPolicy(owner, { assets: [USD] }, 'owner');
    const agent = randomHex(20);
    await enrol(owner, agent, { asset: USD_ADDRESS });
    expect(ruleOf(await buy(agent, 1n))).toBe('asset');
  });

  test('sends its ancestors nothing on the warm path', async () => {
    const { agents } = await tree();
    for (let call = 0; call < 8; call += 1) await buy(agents[0], 1_000n);
    const seen = watchLeases();
    await buy(agents[0], 1_000n);
    expect(seen).toEqual([]);
  });
});
