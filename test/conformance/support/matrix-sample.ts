import type { RouteId } from '../../../src/management/routes.ts';
import type { RequestParts } from './manage.ts';

/** The values that sample requests use. `mark` names the documents of one case, so that cases do not affect each other. */
export type Subject = {
  readonly account: string;
  readonly mark: string;
  /** A call that a payment paid for. */
  readonly paid: { readonly account: string; readonly call: string };
  readonly grant: string;
  readonly asset: string;
  readonly url: string;
};

/** The id of a webhook that every account of the matrix has. */
export const KEPT = 'kept';

type Sample = (subject: Subject, params: Readonly<Record<string, string>>) => RequestParts;

const label: Sample = (_, params) => ({
  ...{ params, body: { label: 'matrix' }, headers: { 'If-Match': '*' } },
});
const policy: Sample = (_, params) => ({ params, body: { perCall: '$1' } });
const status: Sample = (_, params) => ({ params, body: { status: 'active' } });
const byTool: Sample = (_, params) => ({ params, query: { by: 'tool' } });
const payment: Sample = ({ paid }, params) => ({ params: { ...params, ...paid } });
const webhook: Sample = ({ mark, url }, params) => ({
  ...{ params: { ...params, webhook: mark }, body: { url, events: ['debt'] } },
});
const noWebhook: Sample = (_, params) => ({ params: { ...params, webhook: 'none' } });

/** Sample requests of the routes that need more than path parameters. */
const SAMPLES: { readonly [id in RouteId]?: Sample } = {
  'accounts.put': label,
  'account.put': label,
  'accounts.policy.put': policy,
  'account.policy.put': policy,
  'accounts.status': status,
  'account.status': status,
  'account.default': ({ grant }, params) => ({ params, body: { grant } }),
  'credits.adjust': ({ asset }, params) => ({
    ...{ params, body: { asset, amount: '1', reason: 'matrix' } },
  }),
  'credits.refund': ({ account }) => ({ body: { account, transaction: `0x${'7a'.repeat(32)}` } }),
  'tools.put': ({ mark: tool }) => ({
    params: { tool },
    body: {
      ...{ id: tool, method: 'GET', path: `/tools/${tool}`, description: 'Says hello.' },
      ...{ price: '$0.002', settlement: 'deferred', upstream: '/whoami' },
    },
  }),
  'secrets.put': ({ mark: secret }) => ({
    params: { secret },
    body: {
      ...{ kind: 'token', host: 'api.example', value: `long-value-of-${secret}` },
      blind: 'b'.repeat(43),
    },
  }),
  'secrets.delete': () => ({ params: { secret: 'none' } }),
  'secrets.rewrap': () => ({ body: {} }),
  'audit.rebuild': () => ({ body: {} }),
  'tools.delete': () => ({ params: { tool: 'spare' }, headers: { 'If-Match': '*' } }),
  'settlements.get': payment,
  'settlements.redrive': payment,
  'settlements.writeoff': (subject, params) => ({
    ...{ ...payment(subject, params), body: { reason: 'matrix' } },
  }),
  'settlements.resolve': (subject, params) => ({
    ...{ ...payment(subject, params), body: { charge: false, reason: 'matrix' } },
  }),
  'calls.refund': (subject, params) => ({
    ...{ ...payment(subject, params), body: { reason: 'matrix' } },
  }),
  'approvals.approve': payment,
  'approvals.refuse': (subject, params) => ({ ...payment(subject, params), body: {} }),
  'account.refuse': (_, params) => ({ params, body: { reason: 'matrix' } }),
  spend: byTool,
  'account.spend': byTool,
  'webhooks.put': webhook,
  'account.webhooks.put': webhook,
  'webhooks.delete': noWebhook,
  'account.webhooks.delete': noWebhook,
};

/** A valid request of a route. */
export const sample = (id: RouteId, subject: Subject): RequestParts => {
  const { account, paid } = subject;
  const params = {
    account,
    call: paid.call,
    webhook: KEPT,
    tool: 'lookup',
    letter: 'bGV0dGVy',
    text: paid.call,
  };
  return SAMPLES[id]?.(subject, params) ?? { params };
};
