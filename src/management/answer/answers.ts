import type * as z from 'zod/mini';
import { BOOK_FORMATS } from '../ledger.route.ts';
import { CALL_FORMATS } from '../call.route.ts';
import { ENTRY_FORMATS } from '../entry.route.ts';
import type { RouteId } from '../paths.ts';
import { accountsPage, childrenPage, ordered, policyDocument, standing } from './account.ts';
import { backends, relayers } from './backend.ts';
import { books } from './books.ts';
import { callsPage, callStory } from './call.ts';
import { adjusted, refunded } from './credit.ts';
import { entriesPage, entry } from './entry.ts';
import { differencesPage, reconciliationsPage } from './reconciliation.ts';
import {
  deadLettersPage,
  queueDepths,
  redriven,
  settlementsPage,
  settlementStory,
} from './settlement.ts';
import { spendReport } from './spend.ts';
import { toolDocument, toolsPage } from './tool.ts';
import { deliveriesPage, delivery, webhook, webhooksPage } from './webhook.ts';

/** What is said of an answer. The Worker carries none of it: it is for clients, tests and documents. */
export type Answer = {
  readonly summary: string;
  readonly schema: z.ZodMiniType;
  /** `format` of the query; JSON where absent. */
  readonly formats?: readonly ('json' | 'ndjson' | 'csv')[];
  /** Server-sent events, each with the schema's JSON as its data. */
  readonly stream?: true;
  /** The answer is one document, with its ETag. */
  readonly etag?: true;
};

const webhooks = {
  list: { summary: 'The webhooks, and whether they are in use', schema: webhooksPage },
  get: { summary: 'One webhook', schema: webhook, etag: true },
  put: { summary: 'Sends alerts to an address, or changes which', schema: ordered },
  delete: { summary: 'Sends no more alerts there', schema: ordered },
  deliveries: { summary: 'The last 100 attempts to deliver to it', schema: deliveriesPage },
  test: { summary: 'Sends an alert that says nothing, to try it', schema: delivery },
} as const;

/** What each route answers with status 200. */
export const ANSWERS = {
  'accounts.list': { summary: 'All accounts, or those right below one', schema: accountsPage },
  'accounts.put': { summary: 'Names an account, known or new', schema: ordered },
  'accounts.policy.get': {
    summary: "The operator's policy for an account",
    schema: policyDocument,
    etag: true,
  },
  'accounts.policy.put': { summary: 'Binds an account, whatever its owner says', schema: ordered },
  'accounts.policy.delete': { summary: "Takes the operator's policy away", schema: ordered },
  'accounts.status': { summary: 'Pauses, freezes or resumes as operator', schema: ordered },
  'credits.adjust': { summary: 'Gives credit, or takes it', schema: adjusted },
  'credits.refund': { summary: 'Records credit that was paid back on chain', schema: refunded },
  'tools.list': { summary: 'The catalogue, disabled tools too', schema: toolsPage },
  'tools.get': { summary: 'One tool', schema: toolDocument, etag: true },
  'tools.put': { summary: 'Adds or changes a tool, live within 5 s', schema: ordered },
  'tools.delete': { summary: 'Removes a tool, within 5 s', schema: ordered },
  'settlements.list': { summary: 'Payments, and how they ended', schema: settlementsPage },
  'settlements.get': { summary: 'All that is known of one payment', schema: settlementStory },
  'settlements.redrive': { summary: 'Sends a payment to be settled again', schema: ordered },
  'settlements.writeoff': { summary: 'Gives up an open payment that is over', schema: ordered },
  'settlements.resolve': { summary: 'Charges or gives back what is kept', schema: ordered },
  'reconciliations.list': {
    summary: 'What was compared with the chain',
    schema: reconciliationsPage,
  },
  'differences.list': {
    summary: 'What ledger and chain do not agree about',
    schema: differencesPage,
  },
  'deadletters.list': { summary: 'Messages nobody could deal with', schema: deadLettersPage },
  'deadletters.redrive': { summary: 'Sends such a message again', schema: redriven },
  backends: { summary: 'Who presents payments, and how each does', schema: backends },
  relayers: { summary: 'Our own keys: gas, and what waits', schema: relayers },
  books: { summary: 'Revenue, costs and credit by day', schema: books, formats: BOOK_FORMATS },
  spend: { summary: 'What was spent at this gateway', schema: spendReport },
  'calls.list': { summary: 'Calls of all accounts', schema: callsPage, formats: CALL_FORMATS },
  'webhooks.list': webhooks.list,
  'webhooks.get': webhooks.get,
  'webhooks.put': webhooks.put,
  'webhooks.delete': webhooks.delete,
  'webhooks.deliveries': webhooks.deliveries,
  'webhooks.test': webhooks.test,
  queues: { summary: 'What waits in queues', schema: queueDepths },
  'account.get': { summary: 'How an account stands', schema: standing },
  'account.put': { summary: 'Names an account', schema: ordered },
  'account.policy.get': {
    summary: "The owner's policy for an account",
    schema: policyDocument,
    etag: true,
  },
  'account.policy.put': { summary: 'Binds an account and all below it', schema: ordered },
  'account.policy.delete': { summary: "Takes the owner's policy away", schema: ordered },
  'account.status': { summary: 'Pauses, freezes or resumes as owner', schema: ordered },
  'account.default': {
    summary: 'Which grant a call without one stands on, until the account takes another',
    schema: ordered,
  },
  'account.tree': { summary: 'The accounts right below', schema: childrenPage },
  'account.spend': { summary: 'What it and all below it spent', schema: spendReport },
  'account.calls': { summary: 'Its calls', schema: callsPage, formats: CALL_FORMATS },
  'account.call': { summary: 'One call and its payment', schema: callStory },
  'account.entries': { summary: 'Its log', schema: entriesPage, formats: ENTRY_FORMATS },
  'account.events': { summary: 'Its log, as it grows', schema: entry, stream: true },
  'account.webhooks.list': webhooks.list,
  'account.webhooks.get': webhooks.get,
  'account.webhooks.put': webhooks.put,
  'account.webhooks.delete': webhooks.delete,
  'account.webhooks.deliveries': webhooks.deliveries,
  'account.webhooks.test': webhooks.test,
} as const satisfies Record<RouteId, Answer>;
