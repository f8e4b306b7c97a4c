import { describe, expect, test } from 'vitest';
import { CARD_TOOLS } from '../../dev/stack/cards.ts';
import { secretCheck } from '../../src/cli/doctor/card-checks.ts';

const [bookshop, stationer] = CARD_TOOLS.map((tool) => ({
  ...tool,
  upstream: 'https://shop.example/orders',
}));
const secret = (name: string, host: string, key: 'current' | 'unknown' = 'current') => ({
  ...{ name, host, key },
});

const check = (tool: object | undefined, ...secrets: ReturnType<typeof secret>[]) =>
  secretCheck(tool as never, secrets);

describe('a tool with a card', () => {
  test('passes with its secrets', () => {
    expect(check(bookshop, secret('issuer', 'api.stripe.com'))).toMatchObject({
      ...{ name: 'card of bookshop', status: 'ok', says: '1 secret for api.stripe.com' },
    });
    const vault = 'api.basistheory.com';
    const both = [secret('card-vault', vault), secret('company-card', vault)];
    expect(check(stationer, ...both)).toMatchObject({ status: 'ok' });
  });

  test('fails without one, and says how to put it', () => {
    expect(check(bookshop)).toMatchObject({
      status: 'fail',
      hint: 'countersign secret put issuer --host api.stripe.com',
    });
    const only = secret('card-vault', 'api.basistheory.com');
    expect(check(stationer, only)).toMatchObject({
      ...{ status: 'fail', says: 'the vault has no secret company-card: calls get 503' },
    });
  });

  test('fails with secrets of two hosts, and with one that no key opens', () => {
    const apart = [secret('card-vault', 'a.example'), secret('company-card', 'b.example')];
    expect(check(stationer, ...apart)).toMatchObject({ status: 'fail' });
    expect(check(bookshop, secret('issuer', 'a.example', 'unknown'))).toMatchObject({
      ...{ status: 'fail', says: 'no key of the gateway opens the secret issuer' },
    });
  });

  test('fails with a card that the gateway would not take', () => {
    expect(check({ ...bookshop, method: 'GET' })).toMatchObject({
      status: 'fail',
      hint: 'Correct the tool.',
    });
  });
});
