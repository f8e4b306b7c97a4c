import type { Policy } from '../../policy/policy.ts';
import { type LineStyle, type PolicyDifference, policyLines } from '../../policy/policy-lines.ts';
import type { AssetId, Network } from '../../protocol/account-id.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { Output } from './output.ts';
import { proseWidth } from './print.ts';
import { fields, printable, widthOf, wrapped } from './text.ts';
import { dollars, isoTime } from './units.ts';

const assetText = (asset: AssetId): string => {
  if (isFiat(asset)) return 'US dollars (cards)';
  const [network = '', token = ''] = asset.split('/erc20:');
  return tokenOf(network as Network)?.address === token ? `USDC on ${network}` : asset;
};

/** Policies in human units. */
export const COMMAND_STYLE: LineStyle = {
  asset: assetText,
  amount: dollars,
  money: dollars,
  time: isoTime,
};

export const policyText = (out: Output, policy: Policy): string => {
  const lines = policyLines(policy, COMMAND_STYLE);
  return fields(lines.length === 0 ? [['limits', 'none']] : lines, out.style.dim, proseWidth(out));
};

/** `+` added, `-` removed, `~` changed. */
export const differenceLines = (out: Output, lines: readonly PolicyDifference[]): string => {
  const label = Math.max(0, ...lines.map(({ name }) => widthOf(name)));
  return lines
    .map(({ name, before, after }) => {
      const [mark, paint] =
        before === undefined
          ? (['+', out.style.good] as const)
          : after === undefined
            ? (['-', out.style.bad] as const)
            : (['~', out.style.warn] as const);
      const value = [before, after].filter((text) => text !== undefined).join(' → ');
      const head = `${paint(mark)} ${name.padEnd(label)}  `;
      return head + wrapped(printable(value), proseWidth(out), ' '.repeat(label + 4));
    })
    .join('\n');
};
