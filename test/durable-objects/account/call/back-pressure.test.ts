import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../../src/protocol/account/call.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
  trust,
} from '../../support.ts';
import { AUDIENCE, enrol, ownerWith, pass, putToSleep, restore } from '../../tree-support.ts';

afterEach(restore);

/** The evidence that the gateway sends during a settlement outage. */
const DOWN: Evidence = { outage: { retryAfter: 12 } };
const REFUSED = { verdict: 'settlement_unavailable', retryAfter: 12 };
const RICH = 100_000_000n;

const reserve = (
  payer: Hex,
  call: Call,
  evidence: Evidence = {},
  attempt = randomHex(16),
): Promise<ReserveVerdict> => stubOf(payer).reserve(call, attempt, evidence);

/** Makes one call that succeeds. */
const run = async (payer: Hex, call: Call, evidence: Evidence = {}): Promise<void> => {
  const attempt = randomHex(16);
  const verdict = await reserve(payer, call, evidence, attempt);
  if (verdict.verdict !== 'go') throw new Error(`expected go, got ${JSON.stringify(verdict)}`);
  await stubOf(payer).finish(call.id, attempt, success);
};

const denialsOf = async (payer: Hex) =>
  (await entriesOf(payer)).filter(({ type }) => type === 'call.denied');

const writtenBy = async (payer: Hex) => {
  const { rowsWritten, seq } = await snapshotOf(payer);
  return { rowsWritten, seq };
};

describe('during a settlement outage, a call that must settle first', () => {
  const contract = { contractCheckedAt: 10 };
  test.each<[string, (payer: Hex) => Call, Evidence]>([
    ['an upfront tool', (payer) => callOf(payer, { settlement: 'upfront' }), {}],
    ["a newcomer's deferred call", (payer) => callOf(payer), {}],
    ["a newcomer's, whose balance is known", (payer) => callOf(payer), { facts: factsOf(RICH) }],
    ['a top-up', (payer) => topUpOf(payer, 5_000n), {}],
    ["a contract's", (payer) => callOf(payer, contract), { facts: factsOf(RICH) }],
  ])('is refused to a stranger without a row: %s', async (_, make, known) => {
    const payer = randomHex(20);
    const call = make(payer);
    expect(await reserve(payer, call, { ...DOWN, ...known })).toEqual(REFUSED);
    expect(await tablesOf(payer)).toEqual([]);
    expect((await snapshotOf(payer)).rowsWritten).toBe(0);
    // The same signature still works after the outage.
    expect((await reserve(payer, call, { facts: factsOf(RICH) })).verdict).toBe('settle');
  });

  test('is refused to a known payer without a row or entry, whatever the reason to settle first', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_500n, RICH);
    const before = await writtenBy(payer);
    const refused: Call[] = [
      callOf(payer, { settlement: 'upfront' }),
      topUpOf(payer, 5_000n),
      callOf(payer, { ...contract }),
      // Costs more than the payer has settled.
      callOf(payer, { price: 1_501n }),
      // The authorization could expire before the queue presents it.
      callOf(payer, { validBefore: Math.floor(Date.now() / 1_000) + 600 }),
    ];
    for (const call of refused) {
      expect(await reserve(payer, call, DOWN)).toEqual(REFUSED);
      expect(await reserve(payer, { ...call, dryRun: true }, DOWN)).toEqual(REFUSED);
    }
    expect(await writtenBy(payer)).toEqual(before);
    for (const call of refused) {
      const facts = factsOf(RICH, 11);
      expect((await reserve(payer, { ...call, dryRun: true }, { facts })).verdict).toBe('dry_run');
    }
  });

  test('is denied by its policy or for its debt, because waiting would not help', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, RICH);
    const spent = callOf(payer);
    await run(payer, spent);
    await stubOf(payer).settled([
      { call: spent.id, outcome: 'failed', fault: 'payer', reason: 'cancelled' },
    ]);
    const owed = await reserve(payer, callOf(payer, { settlement: 'upfront' }), DOWN);
    expect(owed).toMatchObject({ verdict: 'denied', denial: { rule: 'debt' } });
    expect(await reserve(payer, topUpOf(payer, 5_000n), DOWN)).toEqual(REFUSED);
    const dear = callOf(randomHex(20), { price: 10n ** 12n, settlement: 'upfront' });
    const denied = await stubOf(dear.payment?.authorization.from ?? '0x').reserve(
      dear,
      randomHex(16),
      DOWN,
    );
    expect(denied).toMatchObject({ verdict: 'denied', denial: { rule: 'per_call' } });
  });
});

describe('during a settlement outage, the account still serves', () => {
  test('a trusted payer up to its exposure, to the unit (law 7)', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_500n, RICH);
    await run(payer, callOf(payer), DOWN);
    await run(payer, callOf(payer, { price: 500n }), DOWN);
    const before = await writtenBy(payer);
    expect(await reserve(payer, callOf(payer, { price: 1n }), DOWN)).toEqual(REFUSED);
    expect(await writtenBy(payer)).toEqual(before);
    expect((await purseOf(payer)).unsettled).toBe('1500');
  });

  test('repeats of stored, running and previously reserved calls', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, RICH);
    const stored = callOf(payer, { settlement: 'upfront', identifier: randomHex(32) });
    const attempt = randomHex(16);
    await reserve(payer, stored, {}, attempt);
    // The account reserved the call before the outage, so the call's own attempt may continue.
    expect((await reserve(payer, stored, DOWN, attempt)).verdict).toBe('settle');
    expect((await reserve(payer, stored, DOWN)).verdict).toBe('in_progress');
    const settlement = {
      outcome: 'settled',
      transaction: randomHex(32),
      block: 12,
    } as const;
    expect((await reserve(payer, stored, { ...DOWN, settlement }, attempt)).verdict).toBe('go');
    expect((await reserve(payer, stored, DOWN)).verdict).toBe('in_progress');
    await stubOf(payer).finish(stored.id, attempt, success);
    expect(await reserve(payer, stored, DOWN)).toMatchObject({ verdict: 'stored' });
    const other = { ...stored, request: randomHex(32) };
    expect(await reserve(payer, other, DOWN)).toMatchObject({ verdict: 'conflict' });
  });

  test('calls from the payer’s own credit, also of upfront tools, and free calls', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const paid = await reserve(payer, callOf(payer, { settlement: 'upfront' }), DOWN);
    expect(paid).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    const free = intentCallOf(payer, { settlement: 'free', price: 0n });
    expect(await reserve(payer, free, DOWN)).toMatchObject({ verdict: 'go', paidFrom: 'none' });
    // Credit cannot pay for a top-up.
    expect(await reserve(payer, topUpOf(payer, 1_000n), DOWN)).toEqual(REFUSED);
  });

  test('calls from an owner’s credit, up to its amount', async () => {
    const owner = await ownerWith(1_500n);
    const agent = randomHex(20);
    const { hash } = await enrol(owner, agent);
    const call = () =>
      callOf(agent, { settlement: 'upfront', audience: AUDIENCE, authority: hash });
    const facts = factsOf(RICH);
    const lent = await reserve(agent, call(), { ...DOWN, facts });
    expect(lent).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    expect(await reserve(agent, call(), { ...DOWN, facts })).toEqual(REFUSED);
    // Without an outage, the account uses the agent's own payment first.
    expect(await reserve(agent, call(), { facts })).toMatchObject({ verdict: 'settle' });
  });

  test('calls from own credit that a descendant holds unused', async () => {
    const owner = await ownerWith(1_500n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const borrowed = intentCallOf(agent, { settlement: 'credit', audience: AUDIENCE, price: 10n });
    expect((await reserve(agent, borrowed, { facts: factsOf(0n) })).verdict).toBe('go');
    const more = intentCallOf(agent, { settlement: 'credit', audience: AUDIENCE, price: 1_000n });
    const attempt = randomHex(16);
    expect((await reserve(agent, more, {}, attempt)).verdict).toBe('go');
    await stubOf(agent).finish(more.id, attempt, failure);
    const own = callOf(owner, { settlement: 'upfront', price: 1_400n });
    const facts = factsOf(RICH);
    expect(await reserve(owner, own, { ...DOWN, facts })).toMatchObject({
      verdict: 'go',
      paidFrom: 'credit',
    });
  });
});

describe('a payer whose exposure is used up', () => {
  /** A payer with one dollar of unsettled payments, the default policy's exposure cap. */
  const indebted = async (): Promise<{ readonly payer: Hex; readonly owed: readonly Call[] }> => {
    const payer = randomHex(20);
    await trust(payer, 2_000_000n, RICH);
    const owed = [callOf(payer, { price: 600_000n }), callOf(payer, { price: 400_000n })];
    for (const call of owed) await run(payer, call);
    return { payer, owed };
  };
  const settledOf = (call: Call | undefined) =>
    ({
      call: call?.id ?? '0x',
      outcome: 'settled',
      transaction: randomHex(32),
      block: 11,
    }) as const;
  const denied = { verdict: 'denied', denial: { rule: 'exposure', retryAllowed: true } };
  const hanging = { verdict: 'settlement_unavailable', retryAfter: 15 };

  test('is denied with an entry while settlements succeed', async () => {
    const { payer } = await indebted();
    pass(50);
    expect(await reserve(payer, callOf(payer))).toMatchObject(denied);
    pass(11);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await denialsOf(payer)).toMatchObject([{ rule: 'exposure' }]);
  });

  test('gets "unavailable" during an outage, without an entry or row', async () => {
    const { payer } = await indebted();
    const before = await writtenBy(payer);
    expect(await reserve(payer, callOf(payer), DOWN)).toEqual(REFUSED);
    expect(await reserve(payer, callOf(payer, { dryRun: true }), DOWN)).toEqual(REFUSED);
    expect(await writtenBy(payer)).toEqual(before);
  });

  test('gets "unavailable" while one of its payments is overdue, also after an eviction, and is served once one settles', async () => {
    const { payer, owed } = await indebted();
    // A payment is overdue one minute after its tool's timeout.
    pass(71);
    await putToSleep(payer);
    const before = await writtenBy(payer);
    expect(await reserve(payer, callOf(payer))).toEqual(hanging);
    expect(await reserve(payer, callOf(payer, { dryRun: true }))).toEqual(hanging);
    expect((await writtenBy(payer)).seq).toBe(before.seq);
    pass(11);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await denialsOf(payer)).toEqual([]);
    // A call above the cap still settles upfront. Only an outage prevents that.
    const dear = callOf(payer, { price: 1_000_001n });
    expect((await reserve(payer, { ...dear, dryRun: true })).verdict).toBe('dry_run');
    await stubOf(payer).settled([settledOf(owed[0])]);
    expect((await reserve(payer, callOf(payer))).verdict).toBe('go');
  });

  test('is denied again when none of its payments is overdue', async () => {
    const { payer, owed } = await indebted();
    pass(71);
    await stubOf(payer).settled([settledOf(owed[0])]);
    // Payments of running tools and released payments are never overdue.
    const running = callOf(payer, { price: 1n, timeoutSeconds: 0 });
    expect((await reserve(payer, running)).verdict).toBe('go');
    const attempt = randomHex(16);
    const failed = callOf(payer, { timeoutSeconds: 0 });
    expect((await reserve(payer, failed, {}, attempt)).verdict).toBe('go');
    await stubOf(payer).finish(failed.id, attempt, failure);
    await stubOf(payer).settled([settledOf(owed[1])]);
    pass(61);
    await run(payer, callOf(payer, { price: 999_999n }));
    expect(await reserve(payer, callOf(payer))).toMatchObject(denied);
    await evictDurableObject(stubOf(payer));
    expect(await reserve(payer, callOf(payer))).toMatchObject(denied);
  });
});

describe('while no node answers', () => {
  test('serves a trusted payer on facts of up to ten minutes, then requests fresh facts and denies nothing', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, RICH);
    pass(590);
    expect((await reserve(payer, callOf(payer))).verdict).toBe('go');
    pass(20);
    const before = await writtenBy(payer);
    expect(await reserve(payer, callOf(payer))).toEqual({ verdict: 'stale_payer' });
    expect(await reserve(payer, callOf(payer), DOWN)).toEqual({ verdict: 'stale_payer' });
    expect(await writtenBy(payer)).toEqual(before);
  });
});
