import fc from 'fast-check';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { USD } from '../../../src/protocol/fiat-asset.ts';
import { accountOf, START, word } from './history.ts';

/** The life of a call: the types of its entries, in order. */
const LIVES = [
  ['accepted'],
  ['accepted', 'committed'],
  ['accepted', 'committed', 'settled'],
  ['accepted', 'committed', 'unpaid'],
  ['accepted', 'committed', 'unpaid', 'cleared'],
  ['accepted', 'committed', 'lost'],
  ['accepted', 'committed', 'lost', 'settled'],
  ['accepted', 'metered', 'settled in part'],
  ['accepted', 'metered', 'settled in part', 'refunded in part'],
  ['accepted', 'metered', 'unpaid in part'],
  ['accepted', 'metered', 'unpaid in part', 'cleared in part'],
  ['accepted', 'metered', 'lost in part', 'settled in part'],
  ['accepted', 'metered for nothing', 'moved'],
  ['upfront', 'settled', 'credited in part'],
  ['upfront', 'settled', 'credited as a whole'],
  ['credit', 'used'],
  ['credit', 'used', 'refunded'],
  ['accepted', 'committed', 'settled', 'refunded', 'refunded more'],
  ['upfront', 'settled', 'committed', 'refunded'],
  ['accepted', 'released'],
  ['accepted', 'released', 'moved'],
  ['accepted', 'abandoned', 'late'],
  ['accepted', 'kept'],
  ['upfront', 'settled', 'kept', 'earned', 'late'],
  ['upfront', 'settled', 'kept', 'late', 'given'],
  ['credit', 'reserved', 'bought late'],
  ['credit', 'reserved', 'let go'],
  ['upfront', 'settled', 'committed'],
  ['upfront', 'settled', 'credited'],
  ['upfront', 'never'],
  ['upfront', 'cancelled'],
  ['topup', 'settled', 'bought'],
  ['card', 'charged'],
  ['card', 'declined'],
  ['card', 'unclear', 'charged late'],
  ['card', 'unclear', 'not charged'],
] as const;

/** Lives that random histories leave out, because some models do not support them. */
const RARE = [['lent', 'used'], ['refused']] as const;

type Moment = (typeof LIVES | typeof RARE)[number][number];

const ASSETS = [
  'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
];

/** Facts about a call that only its first entry contains. */
type Life = {
  readonly moments: readonly Moment[];
  readonly tool: string;
  readonly asset: string;
  readonly payee: string;
  readonly price: number;
};

type Deed =
  | { readonly kind: 'call'; readonly life: Life }
  | { readonly kind: 'next'; readonly pick: number }
  | {
      readonly kind: 'denied';
      readonly tool: string;
      readonly rule: string;
      readonly count: number;
      /** Seconds from the decision to its entry. */
      readonly late: number;
    }
  | { readonly kind: 'above'; readonly above: readonly AccountId[] }
  | {
      readonly kind: 'purse';
      readonly of: PurseDeed;
      readonly asset: string;
      readonly amount: number;
    };

/** A change of an account's credit that belongs to no call of the account. */
const PURSE = [
  { type: 'credit.adjusted', decision: 'added' },
  { type: 'credit.adjusted', decision: 'taken' },
  { type: 'credit.refunded' },
  { type: 'credit.lent' },
  { type: 'credit.received' },
] as const;

type PurseDeed = (typeof PURSE)[number];

const life: fc.Arbitrary<Life> = fc
  .record({
    moments: fc.constantFrom(...LIVES),
    tool: fc.constantFrom('translate', 'lookup'),
    asset: fc.constantFrom(...ASSETS),
    payee: fc.constantFrom(`0x${'0f'.repeat(20)}`, `0x${'0e'.repeat(20)}`),
    price: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map((each) => (each.moments[0] === 'card' ? { ...each, asset: USD } : each));

const above = fc
  .uniqueArray(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })
  .map((seeds) => seeds.map(accountOf));

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: life.map((each) => ({ kind: 'call' as const, life: each })) },
  {
    weight: 8,
    arbitrary: fc.nat().map((pick) => ({ kind: 'next' as const, pick })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('denied' as const),
      tool: fc.constantFrom('translate', 'other'),
      rule: fc.constantFrom('rate', 'per_call'),
      count: fc.integer({ min: 1, max: 9 }),
      late: fc.constantFrom(0, 10, 5_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('purse' as const),
      of: fc.constantFrom(...PURSE),
      asset: fc.constantFrom(...ASSETS),
      amount: fc.integer({ min: 1, max: 1_000_000 }),
    }),
  },
  { weight: 1, arbitrary: above.map((each) => ({ kind: 'above' as const, above: each })) },
);

/** Mostly short pauses, so that many events share a day and a key, and sometimes one across midnight. */
const pause = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
);

/** An account's history: interleaved calls, denials, and grants that change its ancestors. */
export const bodies: fc.Arbitrary<readonly EntryBody[]> = fc
  .array(fc.tuple(deed, pause), { minLength: 1, maxLength: 60, size: 'medium' })
  .map((deeds) => {
    let at = START;
    let calls = 0;
    const running: { id: number; life: Life; written: number }[] = [];
    return deeds.flatMap(([each, seconds]): EntryBody[] => {
      at += seconds;
      if (each.kind === 'denied') {
        const { tool, rule, count, late } = each;
        const decided = Math.max(START, at - late);
        return [{ type: 'call.denied', at: decided, call: word(500_000), tool, rule, count }];
      }
      if (each.kind === 'purse') {
        const { of, asset, amount } = each;
        return [{ ...of, at, amounts: { amount: `${amount}` }, payment: { asset } }];
      }
      if (each.kind === 'above') {
        return [{ type: 'grant.taken', at, outcome: { above: [...each.above] } }];
      }
      if (each.kind === 'call') {
        calls += 1;
        running.push({ id: calls, life: each.life, written: 0 });
      }
      const call = each.kind === 'call' ? running.at(-1) : running[each.pick % running.length];
      const moment = call?.life.moments[call.written];
      if (call === undefined || moment === undefined) return [];
      call.written += 1;
      return [bodyOf(call.id, call.life, moment, at)];
    });
  });

/** Every life of a call in both assets, with entries some hours apart: some calls end or settle on another day, and some a day late. */
export const everyLife = (): readonly EntryBody[] => {
  const calls = [...LIVES, ...RARE].flatMap((moments, nth) =>
    ASSETS.map((asset, which) => ({
      moments,
      tool: which === 0 ? 'translate' : 'lookup',
      asset: moments[0] === 'card' ? USD : asset,
      payee: `0x${'0f'.repeat(20)}`,
      price: 1_000 + nth,
    })),
  );
  const written = calls.flatMap((each, id) =>
    each.moments.map((moment, place) =>
      bodyOf(id + 1, each, moment, START + id * 600 + place * (id % 5) * 30_000),
    ),
  );
  return written.toSorted((a, b) => a.at - b.at);
};

const bodyOf = (id: number, { tool, asset, payee, price }: Life, moment: Moment, at: number) => {
  const about = { at, call: word(id), tool, request: word(id + 1_000) };
  const [full, none] = [{ charged: `${price}` }, { charged: '0' }];
  // A metered call charges less than its payment moves, and the rest becomes credit.
  const rest = Math.floor(price / 3);
  const part = { charged: `${price - rest}` };
  const credited = rest === 0 ? {} : { credited: `${rest}` };
  const accept = (paidBy: string, decision: string): EntryBody => ({
    ...about,
    type: 'call.accepted',
    decision,
    amounts: { price: `${price}` },
    payment: { asset, payTo: payee, paidBy },
  });
  const end = (
    decision: string,
    amounts: EntryBody['amounts'] & object,
    state: string,
    paidBy = 'deferred',
  ): EntryBody => ({
    ...about,
    type: decision === 'abandoned' ? 'call.abandoned' : 'call.finished',
    decision,
    amounts,
    outcome: { success: decision === 'committed' },
    payment: { state, paidBy },
  });
  const keep = (
    amounts: EntryBody['amounts'] & object,
    state: string,
    paidBy: string,
  ): EntryBody => ({
    ...end('abandoned', amounts, state, paidBy),
    payment: { state, paidBy, kept: true },
  });
  const resolve = (
    decision: string,
    amounts: EntryBody['amounts'] & object,
    before: string,
    paidBy: 'credit' | 'upfront' | 'card',
  ): EntryBody => ({
    ...about,
    type: 'call.resolved',
    decision,
    amounts: { ...amounts, before },
    payment: { state: paidBy === 'upfront' ? 'settled' : 'none', paidBy },
  });
  switch (moment) {
    case 'accepted':
      return accept('deferred', 'go');
    case 'credit':
      return accept('credit', 'go');
    case 'card':
      return accept('card', 'go');
    case 'lent':
      return accept('lent', 'go');
    case 'refused':
      return {
        ...accept('credit', 'refused'),
        type: 'call.refused',
        amounts: { price: `${price}`, charged: '0' },
        outcome: { reason: 'no' },
      } as EntryBody;
    case 'charged':
      return end('committed', full, 'none', 'card');
    case 'declined':
      return end('released', none, 'none', 'card');
    case 'unclear':
      return keep(none, 'none', 'card');
    case 'charged late':
      return resolve('charged', full, '0', 'card');
    case 'not charged':
      return resolve('released', none, '0', 'card');
    case 'upfront':
    case 'topup':
      return accept('upfront', 'settle');
    case 'committed':
      return end('committed', full, 'queued');
    case 'metered':
      return end('committed', part, 'queued');
    case 'metered for nothing':
      return end('committed', none, 'released');
    case 'credited in part': {
      const ended = end('committed', part, 'settled', 'upfront');
      return { ...ended, payment: { ...ended.payment, ...credited } } as EntryBody;
    }
    case 'credited as a whole': {
      const ended = end('committed', none, 'settled', 'upfront');
      return { ...ended, payment: { ...ended.payment, credited: `${price}` } } as EntryBody;
    }
    case 'released':
      return end('released', none, 'released');
    case 'abandoned':
      return end('abandoned', none, 'released');
    case 'kept':
      return keep(full, 'settled', 'upfront');
    case 'reserved':
      return keep(none, 'none', 'credit');
    case 'earned':
      return resolve('charged', full, `${price}`, 'upfront');
    case 'given':
      return resolve('released', none, `${price}`, 'upfront');
    case 'bought late':
      return resolve('charged', full, '0', 'credit');
    case 'let go':
      return resolve('released', none, '0', 'credit');
    case 'credited':
      return end('released', none, 'settled', 'upfront');
    case 'bought':
      return end('committed', { ...full, credited: `${price}` }, 'settled', 'upfront');
    case 'used':
      return end('committed', full, 'none', 'credit');
    case 'refunded in part':
      return {
        ...about,
        type: 'call.refunded',
        amounts: { amount: '1', refunded: '1' },
        payment: { asset },
      } as EntryBody;
    case 'refunded':
    case 'refunded more': {
      const half = Math.ceil(price / 2);
      const [amount, refunded] = moment === 'refunded' ? [half, half] : [price - half, price];
      return {
        ...about,
        type: 'call.refunded',
        amounts: { amount: `${amount}`, refunded: `${refunded}` },
        payment: { asset },
      } as EntryBody;
    }
    case 'late':
      return {
        ...about,
        type: 'call.late',
        amounts: none,
        outcome: { success: true },
      } as EntryBody;
    case 'settled':
    case 'moved':
    case 'cleared':
    case 'settled in part':
    case 'cleared in part':
      return {
        ...about,
        type: 'payment.settled',
        amounts: { amount: `${price}` },
        payment: {
          block: 1,
          ...(moment === 'moved' ? { credited: `${price}` } : {}),
          ...(moment === 'cleared' ? { cleared: `${price}` } : {}),
          ...(moment === 'cleared in part' ? { cleared: part.charged } : {}),
          ...(moment.endsWith('in part') ? credited : {}),
        },
      } as EntryBody;
    case 'unpaid':
    case 'lost':
    case 'unpaid in part':
    case 'lost in part':
      return {
        ...about,
        type: 'payment.failed',
        amounts: { amount: moment.endsWith('in part') ? part.charged : `${price}` },
        payment: { fault: moment.startsWith('lost') ? 'gateway' : 'payer' },
      } as EntryBody;
    case 'never':
    case 'cancelled':
      return {
        ...about,
        type: moment === 'never' ? 'payment.released' : 'payment.failed',
        decision: 'released',
        amounts: { amount: `${price}`, charged: '0' },
      } as EntryBody;
  }
};
