import { max } from '../../../src/protocol/amount.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { everyOf, periodOf } from '../../../src/policy/window.ts';
import type { CallRecord } from '../call/record.ts';
import type { AccountState } from '../state.ts';
import type { Share, Shares } from '../../../src/protocol/account/lease.ts';
import { CREDIT, NO_SHARE, type Tree, unusedOf } from './tree.ts';

/** One share that a call counts in: the grant issued above, the counter's name, and its period (`record.draws`). */
export type Draw = { readonly issued: Hex; readonly name: string; readonly start: Seconds };

export const drawText = ({ issued, name, start }: Draw): string => `${issued}|${name}|${start}`;

export const parseDraw = (text: string): Draw => {
  const [issued = '', name = '', start = ''] = text.split('|');
  return { issued: issued as Hex, name, start: Number(start) };
};

/** Until when a share may be used: it belongs to one period of its counter (design §5). */
export const shareEnd = (name: string, { start }: Share): Seconds =>
  name === CREDIT ? Number.MAX_SAFE_INTEGER : periodOf(everyOf(name), start).end;

export const withBook = (tree: Tree, issued: Hex, shares: Shares): Tree => ({
  ...tree,
  books: { ...tree.books, [issued]: shares },
});

export const shareOf = (tree: Tree, issued: Hex, name: string): Share =>
  tree.books[issued]?.[name] ?? NO_SHARE;

/** Changes every share that a call was counted in; one whose period is over is not there any more. */
export const eachDraw = (
  state: AccountState,
  draws: CallRecord['draws'],
  by: (share: Share) => Share,
): AccountState => {
  let { tree } = state;
  for (const { issued, name, start } of draws.map(parseDraw)) {
    const share = tree.books[issued]?.[name];
    if (share === undefined || share.start !== start) continue;
    tree = withBook(tree, issued, { ...tree.books[issued], [name]: by(share) });
  }
  return tree === state.tree ? state : { ...state, tree };
};

/**
 * Takes over what the account above says it has given and taken back. Both only grow, so a reply that comes late, twice or out of order
 * changes nothing; one of an older period is not heard, one of a newer starts anew.
 */
export const heard = (known: Share | undefined, told: Share): Share => {
  if (known === undefined || told.start > known.start) {
    return { ...NO_SHARE, start: told.start, granted: told.granted, returned: told.returned };
  }
  if (told.start < known.start) return known;
  return {
    ...known,
    granted: max(known.granted, told.granted),
    returned: max(known.returned, told.returned),
  };
};

/** Everything unused goes back: the total returned grows by it, and must be stored before it is told (law 6). */
export const allReturned = (shares: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => {
      const unused = unusedOf(share);
      return [name, unused > 0n ? { ...share, returned: share.returned + unused } : share];
    }),
  );

export const hasUnused = (shares: Shares, now: Seconds): boolean =>
  Object.entries(shares).some(
    ([name, share]) => unusedOf(share) > 0n && now < shareEnd(name, share),
  );
