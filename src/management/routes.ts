import {
  accountsQuery,
  defaultGrantBody,
  labelBody,
  statusBody,
  treeQuery,
} from './account.route.ts';
import { booksQuery } from './ledger.route.ts';
import { allCallsQuery, callsQuery } from './call.route.ts';
import { adjustBody, refundBody } from './credit.route.ts';
import { entriesQuery, eventsQuery } from './entry.route.ts';
import { PATHS, placeOf, type RouteId } from './paths.ts';
import { policyBody } from './policy.route.ts';
import { differencesQuery, reconciliationsQuery } from './reconciliation.route.ts';
import type { Role, Route, Rules } from './route.ts';
import {
  deadLettersQuery,
  resolveBody,
  settlementsQuery,
  writeOffBody,
} from './settlement.route.ts';
import { spendQuery } from './spend.route.ts';
import { toolBody } from './tool.route.ts';
import { webhookSchema } from '../protocol/webhook.ts';
import { webhooksQuery } from './webhook.route.ts';

const OPERATOR: readonly Role[] = ['operator'];
const READERS: readonly Role[] = ['operator', 'above', 'self'];
const WRITERS: readonly Role[] = ['above', 'sovereign'];

const SMALL = 4_096;
const DOCUMENT = 16_384;
const POLICY = 32_768;

/** What each route takes and who may use it. The path is in `PATHS`, what it answers in `ANSWERS`. */
export const RULES = {
  'accounts.list': { roles: OPERATOR, query: accountsQuery },
  'accounts.put': { roles: OPERATOR, body: labelBody, maxBody: SMALL, precondition: 'etag' },
  'accounts.policy.get': { roles: OPERATOR },
  'accounts.policy.put': {
    roles: OPERATOR,
    body: policyBody,
    maxBody: POLICY,
    precondition: 'etag',
    dryRun: true,
  },
  'accounts.policy.delete': { roles: OPERATOR, precondition: 'etag' },
  'accounts.status': { roles: OPERATOR, body: statusBody, maxBody: SMALL },
  'credits.adjust': { roles: OPERATOR, body: adjustBody, maxBody: SMALL },
  'credits.refund': { roles: OPERATOR, body: refundBody, maxBody: SMALL },
  'tools.list': { roles: OPERATOR, query: treeQuery },
  'tools.get': { roles: OPERATOR },
  'tools.put': { roles: OPERATOR, body: toolBody, maxBody: DOCUMENT, precondition: 'etag' },
  'tools.delete': { roles: OPERATOR, precondition: 'etag' },
  'settlements.list': { roles: OPERATOR, query: settlementsQuery },
  'settlements.get': { roles: OPERATOR },
  'settlements.redrive': { roles: OPERATOR },
  'settlements.writeoff': { roles: OPERATOR, body: writeOffBody, maxBody: SMALL },
  'settlements.resolve': { roles: OPERATOR, body: resolveBody, maxBody: SMALL },
  'reconciliations.list': { roles: OPERATOR, query: reconciliationsQuery },
  'differences.list': { roles: OPERATOR, query: differencesQuery },
  'deadletters.list': { roles: OPERATOR, query: deadLettersQuery },
  'deadletters.redrive': { roles: OPERATOR },
  backends: { roles: OPERATOR },
  relayers: { roles: OPERATOR },
  books: { roles: OPERATOR, query: booksQuery },
  spend: { roles: OPERATOR, query: spendQuery },
  'calls.list': { roles: OPERATOR, query: allCallsQuery },
  'webhooks.list': { roles: OPERATOR, query: webhooksQuery },
  'webhooks.get': { roles: OPERATOR },
  'webhooks.put': { roles: OPERATOR, body: webhookSchema, maxBody: DOCUMENT, precondition: 'etag' },
  'webhooks.delete': { roles: OPERATOR, precondition: 'etag' },
  'webhooks.deliveries': { roles: OPERATOR, query: webhooksQuery },
  'webhooks.test': { roles: OPERATOR },
  queues: { roles: OPERATOR },
  'account.get': { roles: READERS },
  'account.put': { roles: WRITERS, body: labelBody, maxBody: SMALL, precondition: 'etag' },
  'account.policy.get': { roles: READERS },
  'account.policy.put': {
    roles: WRITERS,
    body: policyBody,
    maxBody: POLICY,
    precondition: 'etag',
    dryRun: true,
  },
  'account.policy.delete': { roles: WRITERS, precondition: 'etag' },
  'account.status': { roles: WRITERS, body: statusBody, maxBody: SMALL },
  'account.default': { roles: WRITERS, body: defaultGrantBody, maxBody: SMALL },
  'account.tree': { roles: READERS, query: treeQuery },
  'account.spend': { roles: READERS, query: spendQuery },
  'account.calls': { roles: READERS, query: callsQuery },
  'account.call': { roles: READERS },
  'account.entries': { roles: READERS, query: entriesQuery },
  'account.events': { roles: READERS, query: eventsQuery },
  'account.webhooks.list': { roles: READERS, query: webhooksQuery },
  'account.webhooks.get': { roles: READERS },
  'account.webhooks.put': {
    roles: WRITERS,
    body: webhookSchema,
    maxBody: DOCUMENT,
    precondition: 'etag',
  },
  'account.webhooks.delete': { roles: WRITERS, precondition: 'etag' },
  'account.webhooks.deliveries': { roles: READERS, query: webhooksQuery },
  'account.webhooks.test': { roles: WRITERS },
} as const satisfies Record<RouteId, Rules>;

const routeOf = (id: RouteId): Route => {
  const { method, path } = placeOf(id);
  return { maxBody: 0, ...RULES[id], id, method, path, write: method !== 'GET' };
};

/** The table that router, authorisation, OpenAPI, documentation and tests are driven by. */
export const ROUTES: readonly Route[] = (Object.keys(PATHS) as readonly RouteId[]).map(routeOf);
