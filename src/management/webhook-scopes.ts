import { gatewayAccount } from '../config.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AdminRequest, Handler } from './handler.ts';
import * as webhooks from './webhook.ts';
import type { Scoped } from './webhook.ts';

/** Of everything: kept by the gateway's own account. */
const everything = ({ context }: Pick<AdminRequest<'webhooks.list'>, 'context'>): Scoped => ({
  scope: '*',
  keeper: gatewayAccount(context.config),
});

/** Of an account and all below it: kept by that account. */
const ofAccount = (account: AccountId): Scoped => ({ scope: account, keeper: account });

export const listAll: Handler<'webhooks.list'> = (asked) => webhooks.list(asked, everything(asked));
export const getOne: Handler<'webhooks.get'> = (asked) =>
  webhooks.get(asked, everything(asked), asked.params);
export const putOne: Handler<'webhooks.put'> = (asked) =>
  webhooks.put(asked, everything(asked), asked.params);
export const deleteOne: Handler<'webhooks.delete'> = (asked) =>
  webhooks.remove(asked, everything(asked), asked.params);
export const deliveriesOfOne: Handler<'webhooks.deliveries'> = (asked) =>
  webhooks.deliveries(asked, everything(asked), asked.params);
export const testOne: Handler<'webhooks.test'> = (asked) =>
  webhooks.test(asked, everything(asked), asked.params);

export const listAccounts: Handler<'account.webhooks.list'> = (asked) =>
  webhooks.list(asked, ofAccount(asked.params.account));
export const getAccounts: Handler<'account.webhooks.get'> = (asked) =>
  webhooks.get(asked, ofAccount(asked.params.account), asked.params);
export const putAccounts: Handler<'account.webhooks.put'> = (asked) =>
  webhooks.put(asked, ofAccount(asked.params.account), asked.params);
export const deleteAccounts: Handler<'account.webhooks.delete'> = (asked) =>
  webhooks.remove(asked, ofAccount(asked.params.account), asked.params);
export const deliveriesOfAccounts: Handler<'account.webhooks.deliveries'> = (asked) =>
  webhooks.deliveries(asked, ofAccount(asked.params.account), asked.params);
export const testAccounts: Handler<'account.webhooks.test'> = (asked) =>
  webhooks.test(asked, ofAccount(asked.params.account), asked.params);
