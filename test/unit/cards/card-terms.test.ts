import { expect, it } from 'vitest';
import { parseCard } from '../../../src/cards/card-terms.ts';
import { toolOf } from '../gateway/fixture.ts';
import { CARD, SHOP } from './world.ts';

const proxied = {
  ...{ way: 'vault-proxy', vault: 'basis-theory', key: 'bt-key', token: 'company-card' },
  places: [{ in: 'json', pointer: '/card/number', part: 'number' }],
  answer: ['/id'],
};
const parse = (card: unknown, changes: Parameters<typeof toolOf>[0] = {}) =>
  parseCard({
    ...toolOf({ method: 'POST', path: '/tools/shop', upstream: SHOP, ...changes }),
    ...{ card },
  });
const faults = (...of: Parameters<typeof parse>) => {
  const parsed = parse(...of);
  return parsed.ok ? [] : parsed.error.map(({ field }) => field);
};

it('accepts both ways', () => {
  expect(parse(CARD)).toEqual({ ok: true, value: CARD });
  expect(parse(proxied)).toEqual({ ok: true, value: proxied });
});

it.each([
  [undefined, ['card']],
  [{ ...CARD, way: 'raw' }, ['card.way']],
  [{ ...CARD, number: '4242424242424242' }, ['card.number']],
  [{ ...CARD, issuer: 'other' }, ['card.issuer']],
  [{ ...CARD, cardholder: 'cus_1' }, ['card.cardholder']],
  [{ ...CARD, countries: ['us'] }, ['card.countries[0]']],
  [{ ...CARD, places: [] }, ['card.places']],
  [{ ...CARD, places: [{ in: 'header', name: 'x', part: 'number' }] }, ['card.places[0].in']],
  [{ ...CARD, places: [{ in: 'json', pointer: '/cvc', part: 'cvc' }] }, ['card.places']],
  [
    { ...CARD, places: [...CARD.places, { in: 'form', name: 'number', part: 'number' }] },
    ['card.places'],
  ],
  [{ ...CARD, answer: ['id'] }, ['card.answer[0]']],
  [{ ...CARD, answer: ['/a/__proto__'] }, ['card.answer[0]']],
  [{ ...CARD, answer: ['/a', '/a'] }, ['card.answer']],
  [
    { ...proxied, places: [{ in: 'form', name: 'n', part: 'number' }] },
    ['card.places[0].in', 'card.places[0].pointer', 'card.places[0].name'],
  ],
])('names the fault of %#', (card, fields) => {
  expect(faults(card)).toEqual(fields);
});

it.each([
  [{ upstream: '/orders/{item}' }, ['upstream']],
  [{ upstream: 'https://shop.example/{item}' }, ['upstream']],
  [{ upstream: { service: 'SHOP', path: '/orders' } }, ['upstream']],
  [{ path: '/tools/*' }, ['path']],
  [{ method: '*' }, ['method']],
  [{ method: 'GET' }, ['method']],
])('lets no caller choose the merchant: %#', (changes, fields) => {
  expect(faults(CARD, changes)).toEqual(fields);
});

it('gives no secret of a merchant to a card vault', () => {
  const secrets = [{ in: 'header', secret: 'shop', name: 'x-key' }];
  expect(faults(proxied, { secrets })).toEqual(['secrets']);
  expect(faults(CARD, { secrets })).toEqual([]);
});
