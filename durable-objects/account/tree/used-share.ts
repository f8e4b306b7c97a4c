import type { Share } from '../../../src/protocol/account/lease.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountState } from '../state.ts';
import { withShares } from './tree.ts';

/** A share that a call counts in: the ancestor's grant, the name of the counter, and the start of its period. */
type UsedShare = { readonly issued: Hex; readonly name: string; readonly start: Seconds };

/** As stored in the record of a call. */
export const usedShareText = ({ issued, name, start }: UsedShare): string =>
  `${issued}|${name}|${start}`;

const parseUsedShare = (text: string): UsedShare => {
  const [issued = '', name = '', start = ''] = text.split('|');
  return { issued: issued as Hex, name, start: Number(start) };
};

/** Changes every share that a call counted in. A share whose period has ended is gone and stays so. */
export const changeUsedShares = (
  state: AccountState,
  usedShares: readonly string[],
  change: (share: Share) => Share,
): AccountState => {
  let { tree } = state;
  for (const { issued, name, start } of usedShares.map(parseUsedShare)) {
    const share = tree.shares[issued]?.[name];
    if (share === undefined || share.start !== start) continue;
    tree = withShares(tree, issued, { ...tree.shares[issued], [name]: change(share) });
  }
  return tree === state.tree ? state : { ...state, tree };
};
