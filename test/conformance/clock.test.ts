import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { bind, bound } from './support/bound.ts';
import { creditedAccount } from './support/credit.ts';
import { agentIntent, digestOf, retryKey, signIntent, signPaidIntent } from './support/intent.ts';
import { lookUp } from './support/look-up.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { withinOneSecond } from './support/one-second.ts';
import { isUsed, nowSeconds, type Terms, trustedAccount } from './support/payment.ts';
import { lookup, notarise, type ToolCall, useSharedWorld, whoami } from './support/world.ts';

const world = useSharedWorld();
let payer: LocalAccount;
let creditHolder: LocalAccount;
beforeAll(async () => {
  payer = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
  creditHolder = await creditedAccount(world(), { credit: 1_000_000n, balance: 0n });
});

type Window = (now: number) => Pick<AgentIntent, 'validAfter' | 'validBefore'>;
const window =
  (from: number, until: number): Window =>
  (now) => ({ validAfter: BigInt(now + from), validBefore: BigInt(now + until) });

/** 200, or the type of the problem and the field that it names. */
type Expected = 200 | readonly [kind: string, field: string];

const outcomeOf = async (answer: Response): Promise<Expected> => {
  if (answer.status === 200) return 200;
  expect([400, 401]).toContain(answer.status);
  const problem = await readProblem(answer);
  return [kindOf(problem), (problem.field ?? '').replace(/^.*\./, '')];
};

const UNPAID: readonly (readonly [string, Window, Expected])[] = [
  ['starts in 29 seconds', window(29, 60), 200],
  ['starts in 30 seconds', window(30, 60), 200],
  ['starts in 31 seconds', window(31, 60), ['not-yet-valid', 'validAfter']],
  ['ended 29 seconds ago', window(-60, -29), 200],
  ['ended 30 seconds ago', window(-60, -30), ['expired', 'validBefore']],
  ['ended 31 seconds ago', window(-60, -31), ['expired', 'validBefore']],
  ['is good for 300 seconds', window(-5, 295), 200],
  ['is good for 301 seconds', window(-5, 296), ['window-too-long', 'validBefore']],
  ['is good for no time', window(0, 0), ['empty-window', 'validBefore']],
  ['ends before it starts', window(5, 4), ['empty-window', 'validBefore']],
];

describe.each<[string, (fields: Partial<AgentIntent>) => Promise<Response>]>([
  [
    'a free tool',
    async (fields) =>
      world().send(whoami, agentIntent(await signIntent(world(), creditHolder, whoami, fields))),
  ],
  [
    'a tool paid from credit',
    async (fields) =>
      world().send(
        lookup,
        agentIntent(await signPaidIntent(world(), creditHolder, lookup, fields)),
      ),
  ],
])('an unpaid intent for %s', (_, send) => {
  it.each(UNPAID)('that %s', async (__, fields, expected) => {
    const before = await world().counts();
    const answer = await withinOneSecond(async (now) => await send(fields(now)));
    expect(await outcomeOf(answer)).toEqual(expected);
    if (expected !== 200) expect(await world().counts()).toEqual(before);
  });
});

describe('a look-up', () => {
  it.each(UNPAID)('with an intent that %s', async (_, fields, expected) => {
    const signed = await signPaidIntent(world(), creditHolder, lookup);
    expect((await world().send(lookup, agentIntent(signed))).status).toBe(200);
    const id = digestOf(signed.intent);
    const answer = await withinOneSecond(
      async (now) => await lookUp(world(), creditHolder, id, fields(now)),
    );
    expect(await outcomeOf(answer)).toEqual(expected);
  });
});

describe('a paid intent', () => {
  it.each<[string, Window, Expected]>([
    ['starts now', window(0, 60), 200],
    ['starts in a second', window(1, 60), ['not-yet-valid', 'validAfter']],
    ['ends in a second', window(-60, 1), 200],
    ['ends now', window(-60, 0), ['expired', 'validBefore']],
    ['ended a second ago', window(-60, -1), ['expired', 'validBefore']],
    ['is good for 300 seconds', window(-5, 295), 200],
    ['is good for 301 seconds', window(-5, 296), ['window-too-long', 'validBefore']],
    ['is good for no time', window(0, 0), ['empty-window', 'validBefore']],
  ])('that %s', async (_, fields, expected) => {
    const before = await world().counts();
    const { answer, payment } = await withinOneSecond(async (now) => {
      const signed = await bind(world(), payer, lookup, fields(now));
      return { answer: await world().send(lookup, bound(signed)), payment: signed };
    });
    expect(await outcomeOf(answer)).toEqual(expected);
    if (expected === 200) return;
    expect(await world().counts()).toEqual(before);
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it.each<[string, ToolCall, (now: number, until: number) => Terms, Expected]>([
    ['ends with its payment', notarise, (_, until) => ({ validBefore: until }), 200],
    [
      'ends a second after its payment',
      notarise,
      (_, until) => ({ validBefore: until - 1 }),
      ['intent-mismatch', 'validBefore'],
    ],
    [
      'has the longest allowed payment, upfront',
      notarise,
      (now) => ({ validBefore: now + 300 + 60 }),
      200,
    ],
    [
      'has a payment one second too long, upfront',
      notarise,
      (now) => ({ validBefore: now + 300 + 61 }),
      ['valid-too-long', 'validBefore'],
    ],
    [
      'has the longest allowed payment, deferred',
      lookup,
      (now) => ({ validBefore: now + 3_600 + 60 }),
      200,
    ],
    [
      'has a payment one second too long, deferred',
      lookup,
      (now) => ({ validBefore: now + 3_600 + 61 }),
      ['valid-too-long', 'validBefore'],
    ],
    [
      'has a payment that starts now',
      lookup,
      (now) => ({ validAfter: now }),
      ['intent-mismatch', 'validAfter'],
    ],
    [
      'has a payment that started a second ago',
      lookup,
      (now) => ({ validAfter: now - 1 }),
      ['intent-mismatch', 'validAfter'],
    ],
  ])('that %s', async (_, call, terms, expected) => {
    const { answer, payment } = await withinOneSecond(async (now) => {
      const until = now + 100;
      const fields = { validAfter: BigInt(now - 5), validBefore: BigInt(until) };
      const signed = await bind(world(), payer, call, fields, terms(now, until));
      return { answer: await world().send(call, bound(signed)), payment: signed };
    });
    expect(await outcomeOf(answer)).toEqual(expected);
    if (expected !== 200) expect(await isUsed(world(), payment)).toBe(false);
  });

  it('that has expired returns its stored answer and runs nothing', async () => {
    const { payment, never, first } = await withinOneSecond(async (now) => {
      const fields = window(-5, 2)(now);
      const [payment, never] = [
        await bind(world(), payer, lookup, fields),
        await bind(world(), payer, lookup, fields),
      ];
      return { payment, never, first: await world().send(lookup, bound(payment)) };
    });
    const text = await first.text();
    expect(first.status, text).toBe(200);
    const before = await world().counts();
    await expect
      .poll(() => BigInt(nowSeconds()) > payment.intent.validBefore, { timeout: 30_000 })
      .toBe(true);
    const shown = { ...bound(payment), ...retryKey(payment.intent) };
    const again = await world().send(lookup, shown);
    expect([again.status, await again.text()]).toEqual([200, text]);
    const refused = await world().send(lookup, bound(never));
    expect(await outcomeOf(refused)).toEqual(['expired', 'validBefore']);
    expect(await world().counts()).toEqual(before);
  });
});
