import type { EntryEvent } from '../../client/management-events.ts';
import { countsCalls } from '../../protocol/account/denial.ts';
import { decimalOf } from './amount.ts';
import { ruleName } from './rule-name.ts';
import { addressIn, shortened } from './text.ts';

const DIGITS = /^[0-9]{1,78}$/;

const memberOf = (value: unknown, name: string): string | undefined => {
  const members =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const member = members[name];
  return typeof member === 'string' ? member : undefined;
};

/**
 * Why a call was denied, with the amounts that decided: "per day, by its owner; 0.01 of 0.02 USDC left". Undefined if the entry
 * records no denial.
 */
export const denialText = ({
  type,
  rule,
  outcome = {},
  account,
  count = 1,
}: EntryEvent): string | undefined => {
  if (type !== 'call.denied' || rule === undefined) return undefined;
  const limit = outcome['limit'];
  const name = ruleName(memberOf(limit, 'rule') ?? rule);
  const [whole, left] = [memberOf(limit, 'limit'), memberOf(limit, 'remaining')];
  const by = memberOf(outcome, 'account');
  const param = memberOf(outcome, 'param');
  const isKnown = whole !== undefined && left !== undefined && DIGITS.test(whole + left);
  const shownAs = (text: string): string => (countsCalls(rule) ? text : decimalOf(BigInt(text)));
  const unit = countsCalls(rule) ? 'calls' : 'USDC';
  return [
    name,
    ...(isKnown ? [`${shownAs(left)} of ${shownAs(whole)} ${unit} left`] : []),
    ...(param === undefined ? [] : [`because of ${param}`]),
    ...(by === undefined || by === account ? [] : [`a limit of ${shortened(addressIn(by))}`]),
    ...(count === 1 ? [] : [`${count} times`]),
  ].join('; ');
};
