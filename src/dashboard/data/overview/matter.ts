import type { Webhook } from '../webhooks/webhooks.ts';

/** A matter that needs a person, and the page on which to deal with it. */
export type Matter = { readonly text: string; readonly href: string };

/** Rows that a sentence counts, at most. */
export const MANY = 100;

export type Counted = { readonly items: readonly unknown[]; readonly isMore: boolean };

/** One sentence for the rows of a list, none for an empty one. `one`, `many`: the sentence after the count. */
export const matterOf = (
  { items, isMore }: Counted,
  one: string,
  many: string,
  href: string,
): readonly Matter[] => {
  if (items.length === 0) return [];
  if (isMore) return [{ text: `More than ${MANY} ${many}`, href }];
  return [{ text: items.length === 1 ? `1 ${one}` : `${items.length} ${many}`, href }];
};

/** Counts all disabled webhooks, because the gateway keeps the list of webhooks short. */
export const disabledWebhooks = (webhooks: readonly Pick<Webhook, 'state'>[]): readonly Matter[] =>
  matterOf(
    { items: webhooks.filter(({ state }) => state === 'disabled'), isMore: false },
    'webhook is disabled: the gateway sends it no alerts',
    'webhooks are disabled: the gateway sends them no alerts',
    '/settings',
  );
