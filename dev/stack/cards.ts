import { randomBytes } from 'node:crypto';
import { USD } from '../../src/protocol/fiat-asset.ts';
import { type DemoMerchant, openDemoMerchant } from '../cards/demo-merchant.ts';
import { openFakeCardVault } from '../cards/fake-card-vault.ts';
import { type FakeIssuer, openFakeIssuer, type Purchase } from '../cards/fake-issuer.ts';
import { CHAIN_ID } from './chain-access.ts';
import type { Gateway } from './gateway.ts';
import { serveLoopback } from './loopback.ts';
import type { Parts } from './parts.ts';
import { people } from './people.ts';
import { openOperator, sellTools, type StackSecrets } from './sell-tools.ts';

/** The fakes of a stack with tools that pay by card. None of their cards is real. */
export type CardServices = {
  readonly issuer: FakeIssuer;
  readonly merchant: DemoMerchant;
  /** Variables of the gateway. */
  readonly variables: Readonly<Record<string, string>>;
  /** What the gateway's vault holds, by the name of the secret. */
  readonly secrets: StackSecrets;
};

/** The operator's own card, in the fake vault. A test number of the card networks. */
export const COMPANY_CARD = {
  ...{ number: '4242424242424242', cvc: '737' },
  ...{ expiration_month: 12, expiration_year: new Date().getUTCFullYear() + 2 },
} as const;

/** The agent that may spend dollars, and how much a day. */
export const BUYER = people.agents[7];
export const BUDGET = '$50.00';

const EVENT_MS = 10_000;

/** Starts the fake issuer and the fake card vault. The merchant is a part of the upstream. */
export const startCardServices = async (parts: Parts, gateway: string): Promise<CardServices> => {
  const key = `sk_test_${randomBytes(18).toString('hex')}`;
  const vaultKey = `key_test_${randomBytes(18).toString('hex')}`;
  const token = `token-${randomBytes(12).toString('hex')}`;
  const webhookSecret = `whsec_${randomBytes(18).toString('hex')}`;
  const issuer = openFakeIssuer({
    ...{ key, webhookSecret },
    deliver: async (body, signature) =>
      await fetch(`${gateway}/webhooks/cards/stripe`, {
        ...{ method: 'POST', body, signal: AbortSignal.timeout(EVENT_MS) },
        headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      }).catch(() => undefined),
  });
  const merchant = openDemoMerchant(async (purchase) =>
    purchase.number === COMPANY_CARD.number ? payCompanyCard(purchase) : issuer.authorize(purchase),
  );
  const start = async (name: string, handler: (request: Request) => Promise<Response>) =>
    await parts.start(
      name,
      ({ url }) => url,
      async () => await serveLoopback({ handler }),
    );
  const issuerServer = await start('fake issuer', issuer.handle);
  const vaultServer = await start(
    'card vault',
    openFakeCardVault({ key: vaultKey, tokens: { [token]: COMPANY_CARD } }),
  );
  const hostOf = (url: string) => new URL(url).host;
  return {
    ...{ issuer, merchant },
    variables: {
      CARD_WEBHOOK_SECRET: webhookSecret,
      ...{ CARD_ISSUER_URL: issuerServer.url, CARD_VAULT_URL: vaultServer.url },
    },
    secrets: {
      issuer: { host: hostOf(issuerServer.url), value: key },
      'card-vault': { host: hostOf(vaultServer.url), value: vaultKey },
      'company-card': { host: hostOf(vaultServer.url), value: token },
    },
  };
};

const payCompanyCard = async ({ cvc, expMonth, expYear }: Purchase) =>
  cvc === COMPANY_CARD.cvc &&
  expMonth === COMPANY_CARD.expiration_month &&
  expYear === COMPANY_CARD.expiration_year
    ? ({ approved: true, authorization: 'company' } as const)
    : ({ approved: false, reason: 'card_data' } as const);

const place = (part: string) => ({ in: 'json', pointer: `/card/${part}`, part });
const PLACES = ['number', 'cvc', 'exp_month', 'exp_year'].map(place);
const ANSWER = ['/id', '/status', '/amount'];

/** The tools that pay the demo merchant: by a one-time card, and by the operator's card in the vault. */
export const CARD_TOOLS = [
  {
    ...{ id: 'bookshop', method: 'POST', path: '/tools/bookshop' },
    ...{ description: 'Orders a book, paid by a one-time card.', price: { max: '$20.00' } },
    ...{ asset: USD, settlement: 'card', upstream: '/shop/orders', timeoutSeconds: 15 },
    card: {
      ...{ way: 'issuing', issuer: 'stripe', key: 'issuer', cardholder: 'ich_1Demo' },
      ...{ places: PLACES, answer: ANSWER },
    },
  },
  {
    ...{ id: 'stationer', method: 'POST', path: '/tools/stationer' },
    ...{ description: 'Orders a pen, paid by a card in a vault.', price: '$3.50' },
    ...{ asset: USD, settlement: 'card', upstream: '/shop/orders', timeoutSeconds: 15 },
    card: {
      ...{ way: 'vault-proxy', vault: 'basis-theory', key: 'card-vault', token: 'company-card' },
      ...{ places: PLACES, answer: ANSWER },
    },
  },
] as const;

/** Stores the secrets, sells the tools, and allows `BUYER` a budget in dollars. The gateway must be without state. */
export const setUpCards = async (
  { secrets }: Pick<CardServices, 'secrets'>,
  gateway: Pick<Gateway, 'url' | 'audience'>,
): Promise<void> => {
  const operator = openOperator(gateway);
  await sellTools(operator, secrets, CARD_TOOLS);
  const policy = {
    assets: [USD],
    windows: [{ every: 'day' as const, limit: BUDGET, asset: USD }],
  };
  const account = `eip155:${CHAIN_ID}:${BUYER.address.toLowerCase()}`;
  await operator.call('accounts.policy.put', { params: { account }, body: policy });
};
