import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';
import type { Management } from './management.ts';

/** Where the entries of a call are in the chain of its account. */
export type EntryRange = {
  /** The seq before the first one; 0 for the whole chain. */
  readonly after: number;
  /** The seq of the last one. Absent: until the end of the chain. */
  readonly last?: number;
  readonly type?: 'call.denied';
};

/** Reads the entries about one call, in the order of the chain. @throws what `management.list` throws */
export const callEntries = async (
  management: Pick<Management, 'list'>,
  { account, call }: { readonly account: AccountId; readonly call: Hex },
  { after, last, type }: EntryRange,
): Promise<readonly Entry[]> => {
  const found: Entry[] = [];
  const query = {
    limit: 500,
    ...(after === 0 ? {} : { after: `${after}` }),
    ...(type === undefined ? {} : { type }),
  };
  for await (const item of management.list('account.entries', { params: { account }, query })) {
    if (item.call === call) found.push(item as Entry);
    if (last !== undefined && item.seq >= last) break;
  }
  return found;
};
