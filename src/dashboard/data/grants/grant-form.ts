import type { Seconds } from '../../../core/clock.ts';
import type { Address } from '../../../core/hex.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import { parseAddress } from '../../../crypto/address.ts';
import { ANY_PAYEE } from '../../../policy/rules/payees.ts';
import { formatDollars, parseMoneyOption } from '../../../protocol/amount.ts';
import { MAX_DEPTH } from '../../../protocol/intent/agent-delegation.ts';
import { USD } from '../../../protocol/fiat-asset.ts';
import { listIn, listOf } from '../policies/policy-form.ts';
import { AMOUNT, dollarsOf } from '../policies/policy-rows.ts';
import type { PolicyDocument } from '../../../management/policy.route.ts';

/** The asset of the amounts of a grant: the dollar token of the network, or dollars that the operator's card pays. */
export type GrantAsset = 'token' | typeof USD;

/** The terms of a grant. Amounts in atomic units. */
export type GrantTerms = {
  readonly asset: GrantAsset;
  readonly delegate: Address;
  readonly maxPerCall: bigint;
  readonly maxTotal: bigint;
  /** Per day of UTC; undefined: only the total limits it. */
  readonly maxPerDay: bigint | undefined;
  readonly tools: readonly string[];
  readonly payees: readonly Address[];
  readonly validUntil: Seconds;
  /** The number of levels of further grants that the agent may issue. */
  readonly depth: number;
};

export type GrantField =
  | 'asset'
  | 'agent'
  | 'total'
  | 'perDay'
  | 'perCall'
  | 'days'
  | 'tools'
  | 'payees'
  | 'depth';

/** A grant as a person types it. */
export type GrantForm = Readonly<Record<GrantField, string>>;
export type GrantFaults = Partial<Readonly<Record<GrantField, string>>>;

const DAYS = '30';
const DAY = 86_400;

/** An empty form for an agent, valid for 30 days. */
export const newGrantForm = (agent = ''): GrantForm => ({
  ...{
    asset: 'token',
    agent,
    total: '',
    perDay: '',
    perCall: '',
    days: DAYS,
    tools: '',
    payees: '',
    depth: '0',
  },
});

/** The limit per day that replaces a window of a grant, because a form has no other window. Never wider than that window. */
const perDayOf = ({ windows: [window] = [] }: PolicyDocument): string => {
  const limit = window === undefined ? undefined : parseMoneyOption(window.limit);
  if (window === undefined || limit === undefined || typeof window.every !== 'number') return '';
  const { every } = window;
  const most = every <= DAY ? limit : (limit * BigInt(DAY)) / BigInt(every);
  return formatDollars(most).slice(1);
};

/** A list that allows everything becomes an empty row; a list that allows nothing stays one. */
const narrowed = (list: readonly unknown[] | undefined, all: string): string =>
  list?.includes(all) === true ? '' : listOf(list);

/** The terms of a grant that an agent holds, as the start of a new grant: never wider than the old one. */
export const grantFormOf = (agent: string, policy: PolicyDocument): GrantForm => ({
  ...newGrantForm(agent),
  asset: policy.assets?.includes(USD) === true ? USD : 'token',
  total: dollarsOf(policy.lifetime),
  perDay: perDayOf(policy),
  perCall: dollarsOf(policy.perCall),
  tools: narrowed(policy.tools, '*'),
  payees: narrowed(policy.payees, ANY_PAYEE),
});

/** The asset of the amounts of a form. Any other text than USD is the token. */
export const assetOf = ({ asset }: Pick<GrantForm, 'asset'>): GrantAsset =>
  asset === USD ? USD : 'token';

/**
 * The terms that a form describes, or the fault of each row. Without a total, the total is the limit per day times the days; without a cap
 * per call, the cap is the lower of both.
 */
export const termsOf = (form: GrantForm, now: Seconds): Result<GrantTerms, GrantFaults> => {
  const faults: Partial<Record<GrantField, string>> = {};
  const amountOf = (row: GrantField): bigint | undefined => {
    const text = form[row].trim();
    const amount = text === '' ? undefined : parseMoneyOption(text);
    if (text !== '' && amount === undefined) faults[row] = AMOUNT;
    return amount;
  };
  const wholeOf = (row: GrantField, from: number, to: number): number => {
    const text = form[row].trim();
    const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= from && value <= to)) faults[row] = `must be a whole number, ${from} to ${to}`;
    return value;
  };
  const delegate = parseAddress(form.agent.trim());
  if (delegate === undefined) faults.agent = 'must be an address: 0x and 40 hex digits';
  const payees = listIn(form.payees)?.map((text): Address => {
    const payee = text === 'any' ? ANY_PAYEE : parseAddress(text);
    if (payee === undefined) faults.payees = 'must be addresses, separated by commas';
    return payee ?? ANY_PAYEE;
  });
  const days = wholeOf('days', 1, 3650);
  const depth = wholeOf('depth', 0, MAX_DEPTH);
  const [total, maxPerDay, perCall] = [amountOf('total'), amountOf('perDay'), amountOf('perCall')];
  const maxTotal =
    total ?? (maxPerDay === undefined || Number.isNaN(days) ? undefined : maxPerDay * BigInt(days));
  if (maxTotal === undefined) faults.total ??= 'is missing: set a total, or an amount per day';
  if (delegate === undefined || maxTotal === undefined || Object.keys(faults).length > 0) {
    return err(faults);
  }
  const highest = maxPerDay !== undefined && maxPerDay < maxTotal ? maxPerDay : maxTotal;
  return ok({
    asset: assetOf(form),
    ...{ delegate, maxTotal, maxPerDay, depth, validUntil: now + days * DAY },
    maxPerCall: perCall ?? highest,
    tools: listIn(form.tools) ?? ['*'],
    payees: payees ?? [ANY_PAYEE],
  });
};
