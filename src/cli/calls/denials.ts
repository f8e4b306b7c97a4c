import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import type { TimeRange } from '../lib/time.ts';

/** An entry of denials: of one call, with how often it was denied within ten seconds. */
export type DenialItem = ItemOf<'account.entries'>;

/** A denial is entered up to ten seconds after its time, so an entry before the range may be of a time within it. */
const MARGIN = 60;

/** The newest denials of some accounts, newest first, at most `most`. @throws CliError */
export const newestDenials = async (
  admin: AdminClient,
  accounts: Iterable<AccountId>,
  { from, to, tool }: TimeRange & { readonly tool?: string | undefined },
  most: number,
): Promise<readonly DenialItem[]> => {
  let newest: readonly DenialItem[] = [];
  for (const account of accounts) {
    const after = from === undefined ? 0 : await seqBefore(admin, account, from - MARGIN);
    const query = {
      type: 'call.denied',
      limit: 500,
      ...(after === 0 ? {} : { after: `${after}` }),
    };
    const kept: DenialItem[] = [];
    for await (const entry of admin.list('account.entries', { params: { account }, query })) {
      const isWanted =
        entry.at >= (from ?? 0) &&
        entry.at < (to ?? Number.POSITIVE_INFINITY) &&
        (tool === undefined || entry.tool === tool);
      if (isWanted) kept.push(entry);
      // Oldest first: only the newest can be in the list.
      if (kept.length > most) kept.shift();
    }
    newest = [...newest, ...kept].toSorted((one, other) => other.at - one.at).slice(0, most);
  }
  return newest;
};

/** A seq whose entry is older than a time, so that a list may begin after it: found by halving, because the log has no index on the time. */
const seqBefore = async (admin: AdminClient, account: AccountId, time: number): Promise<number> => {
  const isBefore = async (seq: number): Promise<boolean> => {
    const query = { limit: 1, after: `${seq - 1}` };
    const { items } = (await admin.call('account.entries', { params: { account }, query })).body;
    return items[0] !== undefined && items[0].at < time;
  };
  let known = 0;
  let step = 256;
  while (await isBefore(known + step)) {
    known += step;
    step *= 2;
  }
  let end = known + step;
  while (end - known > 256) {
    const middle = Math.floor((known + end) / 2);
    if (await isBefore(middle)) known = middle;
    else end = middle;
  }
  return known;
};
