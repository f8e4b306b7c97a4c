import type { GrantTerms } from './grant-form.ts';
import { ANY_PAYEE } from '../../../policy/rules/payees.ts';
import { USD, USD_ADDRESS } from '../../../protocol/fiat-asset.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { shortened } from '../../format/text.ts';
import { momentOf } from '../../format/time.ts';

/** With the units that the wallet shows. */
const moneyIn =
  (asset: string) =>
  (amount: bigint): string =>
    `${decimalOf(amount)} ${symbolOf(asset)} (${amount} units)`;

const PAID_FROM = {
  token: 'USDC',
  [USD]: `USD, paid by the operator’s card. The wallet shows the asset as ${shortened(USD_ADDRESS)}`,
} as const;

const listed = (texts: readonly string[], all: string): string =>
  texts.length === 0 ? 'none' : texts.map((text) => (text === all ? 'all' : text)).join(', ');

/**
 * Every term of a grant, one a line. Attack: a person would sign a term that this list lacks without reading it: a wallet shows the payees
 * and the depth as raw numbers among fourteen fields.
 */
export const grantLines = (
  terms: GrantTerms,
): readonly (readonly [name: string, value: string])[] => {
  const money = moneyIn(terms.asset);
  return [
    ['Agent', terms.delegate],
    ['Money', PAID_FROM[terms.asset]],
    ['In total', money(terms.maxTotal)],
    ['Per day', terms.maxPerDay === undefined ? 'no limit' : money(terms.maxPerDay)],
    ['Per call', money(terms.maxPerCall)],
    ['Tools', listed(terms.tools, '*')],
    ['Payees', listed(terms.payees, ANY_PAYEE)],
    ['Valid until', momentOf(terms.validUntil)],
    [
      'Further grants',
      terms.depth === 0
        ? 'none: it cannot grant budgets to other agents'
        : `it can grant budgets to other agents; levels below it: ${terms.depth}`,
    ],
  ];
};
