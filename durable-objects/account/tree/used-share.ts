import type { Share } from '../../../src/protocol/account/lease.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountState } from '../state.ts';
import { withShares } from './tree.ts';

/** One share that a call counts in: the ancestor's grant, the counter's name, and its period. */
type UsedShare = { readonly issued: Hex; readonly name: string; readonly start: Seconds };

/** As a call's record keeps it. */
export const usedShareText = ({ issued, name, start }: UsedShare): string =>
  `${issued}|${name}|${start}`;

const parseUsedShare = (text: string): UsedShare => {
  const [issued = '', name = '', start = ''] = text.split('|');
  return { issued: issued as Hex, name, start: Number(start) };
};

/** Changes every share that a call was counted in; a share whose period is over is not there any more. */
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
