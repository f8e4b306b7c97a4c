import { accountHandlers } from './account.ts';
import { backendHandlers } from './backend.ts';
import { callHandlers } from './call.ts';
import { creditHandlers } from './credit.ts';
import { deadLetterHandlers } from './dead-letter.ts';
import { entryHandlers } from './entry.ts';
import type { Handlers } from './handler.ts';
import { ledgerHandlers } from './ledger.ts';
import { policyHandlers } from './policy.ts';
import { queueHandlers } from './queue.ts';
import { reconciliationHandlers } from './reconciliation.ts';
import { relayerHandlers } from './relayer.ts';
import type { RouteId } from './routes.ts';
import { settlementHandlers } from './settlement.ts';
import { spendHandlers } from './spend.ts';
import { toolHandlers } from './tool.ts';
import { webhookHandlers } from './webhook.ts';

/** The handler of every route. */
export const HANDLERS: Handlers<RouteId> = {
  ...accountHandlers,
  ...backendHandlers,
  ...callHandlers,
  ...creditHandlers,
  ...deadLetterHandlers,
  ...entryHandlers,
  ...ledgerHandlers,
  ...policyHandlers,
  ...queueHandlers,
  ...reconciliationHandlers,
  ...relayerHandlers,
  ...settlementHandlers,
  ...spendHandlers,
  ...toolHandlers,
  ...webhookHandlers,
};
