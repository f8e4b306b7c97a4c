import type { Webhook } from '../webhooks.ts';
import { type Matter, matterOf } from './matter.ts';

/** The gateway keeps the list of webhooks short, so that all are read, and counted. */
export const disabledWebhooks = (webhooks: readonly Pick<Webhook, 'state'>[]): readonly Matter[] =>
  matterOf(
    { items: webhooks.filter(({ state }) => state === 'disabled'), isMore: false },
    'webhook is disabled: the gateway sends it no alerts',
    'webhooks are disabled: the gateway sends them no alerts',
    '/settings',
  );
