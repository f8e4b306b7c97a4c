import type { RequestOf, RouteId } from '../../src/management/routes.ts';

type BodyOf<Id extends RouteId> =
  RequestOf<Id> extends { readonly body: infer Body } ? Body : never;

const policy: BodyOf<'account.policy.put'> = {
  tools: ['search.*', 'translate'],
  perCall: '$0.05',
  windows: [{ every: 'day', limit: '$2.00' }],
  rate: { limit: 60, seconds: 60 },
};

const webhook: BodyOf<'webhooks.put'> = {
  url: 'https://hooks.example/countersign',
  events: ['soft_limit', 'breaker'],
  description: 'Pager of the research team',
};

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

/** An example body for each route that has one. */
export const EXAMPLES: { readonly [Id in RouteId]?: BodyOf<Id> } = {
  'accounts.put': { label: 'research' },
  'accounts.policy.put': policy,
  'accounts.status': { status: 'frozen' },
  'credits.adjust': { asset: ASSET, amount: '-250000', reason: 'Credited twice on 3 November' },
  'credits.refund': {
    account: 'eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf',
    transaction: `0x${'5c'.repeat(32)}`,
  },
  'tools.put': {
    id: 'translate',
    method: 'POST',
    path: '/tools/translate',
    description: 'Translates English word by word.',
    price: '$0.02',
    settlement: 'deferred',
    upstream: '/translate',
  },
  'settlements.writeoff': { reason: 'The facilitator lost it, and it has expired' },
  'settlements.resolve': { charge: false, reason: 'The bank has no such payment' },
  'webhooks.put': webhook,
  'account.put': { label: 'research' },
  'account.policy.put': policy,
  'account.status': { status: 'paused' },
  'account.default': { grant: `0x${'2f'.repeat(32)}` },
  'account.webhooks.put': webhook,
};
