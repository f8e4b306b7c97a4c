import type { Policy } from '../../policy/policy.ts';
import { type LineStyle, policyLines } from '../../policy/policy-lines.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { decimalOf, symbolOf } from './amount.ts';
import { momentOf } from './time.ts';

/** The units after an amount in a policy that allows USDC and USD. A limit of a sum counts each asset by itself. */
const BOTH = { price: 'USDC or USD', sum: 'USDC, and as many USD', tokens: 'USDC' } as const;

/** Policies as pages show them. */
export const PAGE_STYLE: LineStyle = {
  asset: (asset) => (isFiat(asset) ? symbolOf(asset) : asset),
  amount: (amount, asset) => `${decimalOf(amount)} ${symbolOf(asset)}`,
  money: (amount, kind, assets = []) => {
    const unit = !assets.some(isFiat)
      ? 'USDC'
      : kind !== 'tokens' && assets.every(isFiat)
        ? 'USD'
        : BOTH[kind];
    return `${decimalOf(amount)} ${unit}`;
  },
  time: momentOf,
};

/**
 * The limits on money of a grant, one a line: "0.05 USDC per day". Unknown terms are "–", because they are neither a limit of zero nor an
 * absent limit.
 */
export const grantLimits = (terms: Policy | undefined): readonly string[] => {
  if (terms === undefined) return ['–'];
  const lines = policyLines(terms, PAGE_STYLE, ['perCall', 'windows', 'lifetime']);
  return lines.length === 0 ? ['no limit'] : lines.map(([name, value]) => `${value} ${name}`);
};
