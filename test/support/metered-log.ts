/**
 * The chain of an account that bought from two metered tools, unsigned, and what an operator can change in it. The rules are those of
 * docs/tools.md, "What does a metered call cost?".
 */
import { textHash } from '../../src/audit/verify/logged-text.ts';
import { assetId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody, Json } from '../../src/protocol/entry.ts';
import { ratesHash } from '../../src/protocol/meter/rates-hash.ts';
import { history, START, word } from '../unit/audit/history.ts';
import { ACCOUNT, CHAIN, TOKEN } from '../unit/audit/verify/signed-log.ts';

type Members = Readonly<Record<string, Json>>;

const PRICE = '50000';
const SMALL = { tokens: '$0.15 per 1000' };
const LARGE = { tokens: '$0.3 per 1000' };
const COUNTED = { bytes: '$0.01 per 1000' };
const OWN = { tokens: '$0.1 per 1000' };

const terms = {
  ...{ price: PRICE, pricing: 'upto', settlement: 'deferred', onSilence: 'release' },
  ...{ timeoutSeconds: 60, requireBinding: 'none' },
};
const limits = { readOn: { seconds: 25, bytes: 1_000 }, idleSeconds: 30 };
const reported = (reports: 'final' | 'cumulative') => ({
  ...{ from: 'answer', answer: '/usage', events: ['/usage'], reports },
  units: { tokens: { pointers: ['/tokens'] } },
});

/** Usage that is known only at the end, with rates by model; a complete answer without usage costs the maximum. */
const CHAT = {
  ...{ ...terms, tool: 'chat', params: { model: { pointer: '/model' } } },
  meter: {
    ...{ ...limits, usage: reported('final'), rates: OWN, missing: 'max', min: '1000' },
    ratesBy: { param: 'model', values: { large: LARGE, small: SMALL } },
  },
};
/** Usage so far; a complete answer without usage is free. */
const WRITE = {
  ...{ ...terms, tool: 'write', params: {} },
  meter: { ...limits, usage: reported('cumulative'), rates: SMALL, missing: 'none' },
};
/** Usage that the gateway counts. */
const FETCH = {
  ...{ ...terms, tool: 'fetch', params: {} },
  meter: { ...limits, usage: { from: 'gateway' }, rates: COUNTED },
};
const PLAIN = { ...terms, pricing: 'exact', tool: 'plain', params: {} };

/** A call of the log: its tool, what ended it, and which model its caller asked for, if a condition compared that. */
type MeteredCall = {
  readonly tool: typeof CHAT | typeof WRITE | typeof FETCH | typeof PLAIN;
  readonly charged: string;
  readonly metered?: Members;
  readonly model?: string;
  readonly reason?: string;
  /** `released`: the call failed. */
  readonly decision?: 'committed' | 'released';
};

const usage = (rates: Readonly<Record<string, string>>, basis: string, used: Members): Members => ({
  basis,
  usage: used,
  rates: ratesHash(rates),
});

/** An honest call for each rule, by name. */
const CALLS = {
  complete: { tool: CHAT, charged: '3000', metered: usage(SMALL, 'metered', { tokens: 20 }) },
  'by model': {
    ...{ tool: CHAT, charged: '6000', model: 'large' },
    metered: usage(LARGE, 'metered', { tokens: 20 }),
  },
  'by another model': {
    ...{ tool: CHAT, charged: '2000', model: 'unlisted' },
    metered: usage(OWN, 'metered', { tokens: 20 }),
  },
  'at least the minimum': {
    ...{ tool: CHAT, charged: '1000' },
    metered: usage(SMALL, 'metered', { tokens: 1 }),
  },
  'broken off, usage known so far': {
    ...{ tool: WRITE, charged: '1500', reason: 'truncated' },
    metered: usage(SMALL, 'partial', { tokens: 10 }),
  },
  'broken off, usage known at the end': {
    ...{ tool: CHAT, charged: '0', reason: 'timeout', decision: 'released' },
    metered: usage(SMALL, 'broken', {}),
  },
  'the caller left': {
    tool: FETCH,
    charged: '30',
    metered: usage(COUNTED, 'partial', { bytes: 3 }),
  },
  'no usage, which costs the maximum': {
    ...{ tool: CHAT, charged: PRICE },
    metered: usage(SMALL, 'missing', {}),
  },
  'no usage, which is free': {
    ...{ tool: WRITE, charged: '0' },
    metered: usage(SMALL, 'missing', {}),
  },
  'more than the maximum': {
    ...{ tool: CHAT, charged: PRICE },
    metered: usage(SMALL, 'metered', { tokens: 999_999 }),
  },
  'absurd usage': { tool: CHAT, charged: '0', reason: 'refused', decision: 'released' },
  'no meter': { tool: PLAIN, charged: PRICE },
} as const satisfies Readonly<Record<string, MeteredCall>>;

export type CallName = keyof typeof CALLS;

const bodiesOf = (call: MeteredCall, at: number): readonly EntryBody[] => {
  const { tool, charged, metered, model, reason = 'answered', decision = 'committed' } = call;
  const about = {
    ...{ call: word(at + 1), tool: tool.tool, request: word(at + 1_001), policy: word(7) },
    ...{ at: START + at },
  };
  const isPaid = charged !== '0';
  return [
    {
      ...{ ...about, type: 'call.accepted', binding: 'none', decision: 'go' },
      evidence: {
        ...{ proof: 'x402', authorization: { value: PRICE, nonce: about.call } },
        ...{ terms: textHash(tool), document: tool },
        ...(model === undefined ? {} : { params: { model: { found: true, value: model } } }),
      },
      amounts: { price: PRICE },
      payment: {
        ...{ asset: assetId(`eip155:${CHAIN}`, TOKEN.address), payTo: TOKEN.address },
        paidBy: 'deferred',
      },
    },
    {
      ...{ ...about, type: 'call.finished', decision, amounts: { charged } },
      outcome: {
        ...{ success: decision === 'committed', status: 200, digest: word(9), reason },
        ...metered,
      },
      payment: { state: isPaid ? 'queued' : 'released', paidBy: 'deferred' },
    },
  ];
};

type Change = (entry: Entry) => Entry;

/** The log, with one call's entry changed before it was linked. */
export const meteredLog = (
  name?: CallName,
  change: Change = (entry) => entry,
  type: Entry['type'] = 'call.finished',
): readonly Entry[] => {
  const bodies = Object.entries(CALLS).flatMap(([each, call], at) =>
    bodiesOf(call, at).map((body) =>
      each === name && body.type === type ? (change(body as Entry) as EntryBody) : body,
    ),
  );
  return history(ACCOUNT, bodies);
};

const outcome =
  (changes: Readonly<Record<string, Json | undefined>>): Change =>
  (entry) => ({
    ...entry,
    outcome: Object.fromEntries(
      Object.entries({ ...entry.outcome, ...changes }).filter(([, value]) => value !== undefined),
    ) as Members,
  });

const charged =
  (amount: string): Change =>
  (entry) => ({ ...entry, amounts: { charged: amount } });

/** An upfront payment whose tool may have spent it: it stays charged until an operator decides. */
export const keptUpfront: Change = (entry) => ({
  ...entry,
  ...{ decision: 'abandoned', amounts: { charged: PRICE } },
  payment: { state: 'settled', paidBy: 'upfront', kept: true },
});

type Row = readonly [name: string, call: CallName, change: Change, reason: string, field?: string];

const ROWS: readonly Row[] = [
  ['more usage', 'complete', outcome({ usage: { tokens: 21 } }), 'wrong_charge'],
  ['less usage', 'broken off, usage known so far', outcome({ usage: {} }), 'wrong_charge'],
  [
    'usage of a unit without a meter',
    'complete',
    outcome({ usage: { bytes: 20 } }),
    'wrong_usage',
    'outcome.usage',
  ],
  [
    'negative usage',
    'complete',
    outcome({ usage: { tokens: -20 } }),
    'wrong_usage',
    'outcome.usage',
  ],
  [
    'usage that is no number',
    'complete',
    outcome({ usage: { tokens: true } }),
    'wrong_usage',
    'outcome.usage',
  ],
  ['no usage', 'complete', outcome({ usage: undefined }), 'wrong_usage', 'outcome.usage'],
  [
    'another rate list of the tool',
    'complete',
    outcome({ rates: ratesHash(LARGE) }),
    'wrong_charge',
  ],
  [
    'a rate list of no tool',
    'complete',
    outcome({ rates: ratesHash({ tokens: '$9' }) }),
    'wrong_rates',
    'outcome.rates',
  ],
  ['no rates', 'complete', outcome({ rates: undefined }), 'wrong_rates', 'outcome.rates'],
  ['a higher charge', 'complete', charged('3001'), 'wrong_charge'],
  ['a lower charge', 'complete', charged('2999'), 'wrong_charge'],
  ['the maximum for less usage', 'at least the minimum', charged(PRICE), 'wrong_charge'],
  ['a charge below the minimum', 'at least the minimum', charged('150'), 'wrong_charge'],
  ['a charge for an answer without usage', 'no usage, which is free', charged('1'), 'wrong_charge'],
  [
    'a complete answer called one without usage',
    'complete',
    outcome({ basis: 'missing' }),
    ...(['wrong_basis', 'outcome.basis'] as const),
  ],
  [
    'the maximum for a complete answer called one without usage',
    'complete',
    (entry) => charged(PRICE)(outcome({ basis: 'missing' })(entry)),
    ...(['wrong_basis', 'outcome.basis'] as const),
  ],
  [
    'the minimum for an answer without usage called a complete one',
    'no usage, which costs the maximum',
    (entry) => charged('1000')(outcome({ basis: 'metered' })(entry)),
    ...(['wrong_basis', 'outcome.basis'] as const),
  ],
  [
    'the maximum for an answer that broke off, called one without usage',
    'no usage, which costs the maximum',
    outcome({ reason: 'truncated' }),
    ...(['wrong_basis', 'outcome.basis'] as const),
  ],
  [
    'a basis that the meter cannot have',
    'complete',
    outcome({ basis: 'partial' }),
    'wrong_basis',
    'outcome.basis',
  ],
  [
    'a missing report of what the gateway counts',
    'the caller left',
    outcome({ basis: 'missing' }),
    'wrong_basis',
    'outcome.basis',
  ],
  ['an unknown basis', 'complete', outcome({ basis: 'guessed' }), 'wrong_basis', 'outcome.basis'],
  [
    'an unknown basis without rates',
    'complete',
    outcome({ basis: 'guessed', rates: undefined }),
    ...(['wrong_basis', 'outcome.basis'] as const),
  ],
  [
    'a success that broke off',
    'complete',
    outcome({ basis: 'broken' }),
    'wrong_basis',
    'outcome.basis',
  ],
  [
    'a failure that was metered',
    'broken off, usage known at the end',
    outcome({ basis: 'metered' }),
    'wrong_basis',
    'outcome.basis',
  ],
  [
    'no word of usage',
    'complete',
    outcome({ basis: undefined, usage: undefined, rates: undefined }),
    'missing',
    'outcome.basis',
  ],
  [
    'usage of a tool without a meter',
    'no meter',
    outcome({ usage: { tokens: 1 } }),
    'unmetered',
    'outcome.usage',
  ],
  [
    'the rates and charge of another model',
    'by model',
    (entry) => charged('3000')(outcome({ rates: ratesHash(SMALL) })(entry)),
    ...(['wrong_rates', 'outcome.rates'] as const),
  ],
  [
    'the rates and charge of a listed model',
    'by another model',
    (entry) => charged('3000')(outcome({ rates: ratesHash(SMALL) })(entry)),
    ...(['wrong_rates', 'outcome.rates'] as const),
  ],
];

/** Changes of a call's end, and how the check `prices` names each. */
export const METERED_MUTATIONS = ROWS.map(([name, call, change, reason, field]) => ({
  ...{ name, call, change, reason, field },
}));
