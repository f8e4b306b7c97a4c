import type { ItemOf, Management } from '../../../client/management.ts';
import { PAGE_ROWS } from '../reading/list.ts';

/** The filter of a list of accounts. `label`: a part of the name. */
export type AccountFilter = {
  readonly label?: string;
  readonly status?: ItemOf<'accounts.list'>['status'];
};

export type AccountPage = {
  readonly items: readonly ItemOf<'accounts.list'>[];
  /** The cursor of the next page. */
  readonly next: string | undefined;
};

/** Reads until a page of accounts is full: the gateway returns short pages if a filter matches few accounts. */
export const readAccountPage = async (
  management: Management,
  filter: AccountFilter,
  after: string | undefined,
  signal: AbortSignal,
): Promise<AccountPage> => {
  const items: ItemOf<'accounts.list'>[] = [];
  let next = after;
  do {
    const begin = next === undefined ? {} : { after: next };
    const query = { ...filter, ...begin, limit: PAGE_ROWS - items.length };
    const { body } = await management.call('accounts.list', { query, signal });
    items.push(...body.items);
    ({ next } = body);
  } while (next !== undefined && items.length < PAGE_ROWS);
  return { items, next };
};
