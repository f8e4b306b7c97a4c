import * as z from 'zod/mini';
import { webhookFields, webhookSchema } from '../protocol/alert.ts';
import { account, commandOutcome, count, hash, pageOf, pageQuery, time } from './fields.ts';
import { DOCUMENT_BODY, OPERATOR, READERS, type RouteTable, WRITERS } from './route.ts';

/**
 * A webhook and the state of its deliveries. A PUT enables a disabled one again. Of the URL of a Slack webhook it shows only the origin.
 */
export const webhook = z.strictObject({
  id: z.string(),
  etag: hash,
  ...webhookFields,
  state: z.enum(['active', 'disabled']),
  /** `gone`: the receiver answered 410, or Slack 404. `failing`: too many messages in a row failed permanently. */
  reason: z.exactOptional(z.enum(['gone', 'failing'])),
  disabled_at: z.exactOptional(time),
  /** Messages in a row that failed permanently. */
  failures: count,
  /** When it was written. */
  at: time,
});

/** One attempt to deliver a message. */
export const delivery = z.strictObject({
  /** The header `webhook-id`. */
  message: z.string(),
  type: z.string(),
  rule: z.exactOptional(z.string()),
  account: z.exactOptional(account),
  seq: z.exactOptional(count),
  attempt: count,
  status: z.exactOptional(z.int()),
  fault: z.exactOptional(z.enum(['timeout', 'connection', 'redirect', 'address', 'secret'])),
  ms: count,
  at: time,
  outcome: z.enum(['delivered', 'retry', 'failed', 'disabled']),
  retry_at: z.exactOptional(time),
});

const LIST = {
  query: pageQuery,
  summary: 'Lists the webhooks and their states',
  answer: pageOf(webhook),
} as const;
const GET = { summary: 'Shows one webhook', answer: webhook, etag: true } as const;
const PUT = {
  body: webhookSchema,
  maxBody: DOCUMENT_BODY,
  precondition: 'etag',
  summary: 'Creates or changes a webhook',
  answer: commandOutcome,
} as const;
const DELETE = {
  precondition: 'etag',
  summary: 'Removes a webhook',
  answer: commandOutcome,
} as const;
const DELIVERIES = {
  query: pageQuery,
  summary: 'Lists the last 100 delivery attempts of a webhook',
  answer: pageOf(delivery),
} as const;
const TEST = { summary: 'Sends a test alert to a webhook', answer: delivery } as const;

export const WEBHOOK_ROUTES = {
  'webhooks.list': {
    path: 'GET /admin/webhooks',
    roles: OPERATOR,
    ...LIST,
  },
  'webhooks.get': {
    path: 'GET /admin/webhooks/:webhook',
    roles: OPERATOR,
    ...GET,
  },
  'webhooks.put': {
    path: 'PUT /admin/webhooks/:webhook',
    roles: OPERATOR,
    ...PUT,
  },
  'webhooks.delete': {
    path: 'DELETE /admin/webhooks/:webhook',
    roles: OPERATOR,
    ...DELETE,
  },
  'webhooks.deliveries': {
    path: 'GET /admin/webhooks/:webhook/deliveries',
    roles: OPERATOR,
    ...DELIVERIES,
  },
  'webhooks.test': {
    path: 'POST /admin/webhooks/:webhook/test',
    roles: OPERATOR,
    ...TEST,
  },
  'account.webhooks.list': {
    path: 'GET /accounts/:account/webhooks',
    roles: READERS,
    ...LIST,
  },
  'account.webhooks.get': {
    path: 'GET /accounts/:account/webhooks/:webhook',
    roles: READERS,
    ...GET,
  },
  'account.webhooks.put': {
    path: 'PUT /accounts/:account/webhooks/:webhook',
    roles: WRITERS,
    ...PUT,
  },
  'account.webhooks.delete': {
    path: 'DELETE /accounts/:account/webhooks/:webhook',
    roles: WRITERS,
    ...DELETE,
  },
  'account.webhooks.deliveries': {
    path: 'GET /accounts/:account/webhooks/:webhook/deliveries',
    roles: READERS,
    ...DELIVERIES,
  },
  'account.webhooks.test': {
    path: 'POST /accounts/:account/webhooks/:webhook/test',
    roles: WRITERS,
    ...TEST,
  },
} as const satisfies RouteTable;
