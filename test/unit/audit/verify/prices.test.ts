import { expect, it } from 'vitest';
import { hashed } from '../../../support/verify-log.ts';
import { createPrices } from '../../../../src/audit/verify/prices.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import type { Entry, Json } from '../../../../src/protocol/entry.ts';
import { word } from '../history.ts';
import { ACCOUNT, CHAIN, TOKEN } from './signed-log.ts';

const terms = word(7);
const text = {
  ...{ tool: 'lookup', price: '1000', pricing: 'exact', settlement: 'deferred' },
  ...{ onSilence: 'release', timeoutSeconds: 5, requireBinding: 'none', params: {} },
} as const;

const bought: Entry = {
  ...{ v: 1, seq: 1, at: 1, account: ACCOUNT, prev: word(0), salt: word(0) },
  ...{ type: 'call.accepted', call: word(1), tool: 'lookup', binding: 'none' },
  evidence: { proof: 'x402', terms, authorization: { value: '1000' } },
  amounts: { price: '1000' },
  payment: { asset: assetId(`eip155:${CHAIN}`, TOKEN.address) },
};

const byIntent = (maxAmount: Json) => ({
  evidence: { proof: 'intent', terms, intent: { maxAmount } },
});

const findingOf = (
  changes: Partial<Entry>,
  price = '1000',
  more: Readonly<Record<string, Json>> = {},
) => {
  const check = createPrices({ documents: new Map([[terms, { ...text, price, ...more }]]) });
  for (const seen of hashed([{ ...bought, ...changes }])) void check.see(seen);
  return check.end();
};

it('proves the price that the terms of the tool state and the payer signed', () => {
  expect(findingOf({})).toMatchObject({ verdict: 'proved', checked: 1 });
  expect(findingOf(byIntent('5000'))).toMatchObject({ verdict: 'proved', checked: 1 });
});

it.each([
  ['another price than the signed one', { amounts: { price: '999' } }, 'amounts.price'],
  [
    'the listed price, although the payer signed less',
    { evidence: { proof: 'x402', terms, authorization: { value: '1' } } },
    'amounts.price',
  ],
  ['no price', { amounts: {} }, 'amounts.price'],
  ['less than the terms by an intent', byIntent('999'), 'amounts.price'],
  ['an intent whose maximum is no text', byIntent(1_000), 'amounts.price'],
  ['another tool', { tool: 'other' }, 'tool'],
  ['an asset that is no text', { payment: { asset: 7 } }, 'payment.asset'],
  ['terms that are no text', { evidence: { terms: 7 } }, 'evidence.terms'],
  ['no evidence', { evidence: { by: 'x' } }, 'evidence.terms'],
] as const)('breaks for %s', (_, changes, field) => {
  expect(findingOf(changes)).toMatchObject({ verdict: 'BROKEN', first: { field } });
});

it('breaks for a price that is not the listed one, although the payer signed it', () => {
  expect(findingOf({}, '2000')).toMatchObject({ verdict: 'BROKEN' });
});

const UPTO = { pricing: 'upto', settlement: 'credit' } as const;
const METER = {
  usage: { from: 'gateway' },
  rates: { bytes: '$1 per 1000' },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
} as const;
const LESS = { ...byIntent('400'), amounts: { price: '400' } };

it('lets an intent lower a maximum price, except that of a metered tool', () => {
  expect(findingOf(LESS, '1000', UPTO)).toMatchObject({ verdict: 'proved' });
  expect(findingOf(LESS, '1000', { ...UPTO, meter: METER })).toMatchObject({ verdict: 'BROKEN' });
  const whole = findingOf(byIntent('5000'), '1000', { ...UPTO, meter: METER });
  expect(whole).toMatchObject({ verdict: 'proved' });
});

it.each([
  ['a rate that is none', { ...METER, rates: { bytes: 'cheap' } }],
  ['an unknown member', { ...METER, discount: '10' }],
  ['an unknown source', { ...METER, usage: { from: 'guess' } }],
])('breaks for a meter with %s', (_name, meter) => {
  const found = findingOf(byIntent('5000'), '1000', { ...UPTO, meter });
  expect(found).toMatchObject({ verdict: 'BROKEN', first: { field: 'evidence.terms' } });
});
