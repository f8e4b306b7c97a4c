import type { RouteId } from './routes.ts';
import * as accounts from './account.ts';
import type { Handler } from './handler.ts';
import * as backends from './backend.ts';
import * as books from './ledger.ts';
import * as calls from './call.ts';
import * as credits from './credit.ts';
import * as depths from './queue.ts';
import * as entries from './entry.ts';
import * as feed from './feed.ts';
import * as letters from './dead-letter.ts';
import * as policy from './policy.ts';
import * as reconciliations from './reconciliation.ts';
import { refund } from './refund.ts';
import * as relayers from './relayer.ts';
import * as settlements from './settlement.ts';
import * as spend from './spend.ts';
import * as tools from './tool.ts';
import * as webhooks from './webhook-scopes.ts';

/** What each route does, once it is known who asks and that they may. */
export const HANDLERS: { readonly [Id in RouteId]: Handler<Id> } = {
  'accounts.list': accounts.list,
  'accounts.put': accounts.put,
  'accounts.policy.get': policy.getOperators,
  'accounts.policy.put': policy.putOperators,
  'accounts.policy.delete': policy.deleteOperators,
  'accounts.status': accounts.putStatus,
  'credits.adjust': credits.adjust,
  'credits.refund': refund,
  'tools.list': tools.list,
  'tools.get': tools.get,
  'tools.put': tools.put,
  'tools.delete': tools.remove,
  'settlements.list': settlements.list,
  'settlements.get': settlements.get,
  'settlements.redrive': settlements.redrive,
  'settlements.writeoff': settlements.writeOff,
  'settlements.resolve': settlements.resolve,
  'reconciliations.list': reconciliations.list,
  'differences.list': reconciliations.differences,
  'deadletters.list': letters.list,
  'deadletters.redrive': letters.redrive,
  backends: backends.list,
  relayers: relayers.list,
  books: books.get,
  spend: spend.ofAll,
  'calls.list': calls.ofAll,
  'webhooks.list': webhooks.listAll,
  'webhooks.get': webhooks.getOne,
  'webhooks.put': webhooks.putOne,
  'webhooks.delete': webhooks.deleteOne,
  'webhooks.deliveries': webhooks.deliveriesOfOne,
  'webhooks.test': webhooks.testOne,
  queues: depths.get,
  'account.get': accounts.get,
  'account.put': accounts.put,
  'account.policy.get': policy.getOwners,
  'account.policy.put': policy.putOwners,
  'account.policy.delete': policy.deleteOwners,
  'account.status': accounts.putStatus,
  'account.default': accounts.putDefault,
  'account.tree': accounts.tree,
  'account.spend': spend.ofAccount,
  'account.calls': calls.ofAccount,
  'account.call': calls.get,
  'account.entries': entries.list,
  'account.events': feed.follow,
  'account.webhooks.list': webhooks.listAccounts,
  'account.webhooks.get': webhooks.getAccounts,
  'account.webhooks.put': webhooks.putAccounts,
  'account.webhooks.delete': webhooks.deleteAccounts,
  'account.webhooks.deliveries': webhooks.deliveriesOfAccounts,
  'account.webhooks.test': webhooks.testAccounts,
};
