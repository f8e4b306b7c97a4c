import { type Address, ZERO_ADDRESS } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { assetId, type AssetId } from '../protocol/account-id.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { Token } from '../protocol/payment.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { facilitatorOf, type Requirement } from '../protocol/x402/requirement.ts';
import type { Exhausted, Hold } from './budget.ts';
import type { ErrorCode } from './errors.ts';
import type { Entry, ReceivedOffer } from './received-offer.ts';

/** The rules of `SpendRules`, parsed. */
export type OfferSettings = {
  readonly perCall: bigint;
  /** Absent: every token in the table. */
  readonly assets?: ReadonlySet<AssetId>;
  /** Absent: every payee. */
  readonly payees?: ReadonlySet<Address>;
  /** `true`: the agent signs no payment for a call. */
  readonly onlyCredit?: boolean;
  /** `false`: the agent signs no permit of the scheme `upto`. */
  readonly upto?: boolean;
  /** `true`: the budget counts a permit as the charge of its receipt. */
  readonly trustReceipts?: boolean;
};

/** An entry that passed every rule. The budget has counted its amount. */
export type Choice = {
  readonly requirement: Requirement;
  /** The entry as received: version 2 payments echo it. */
  readonly raw: unknown;
  readonly token: Token;
  readonly asset: AssetId;
  readonly hold: Hold;
};

/** Why the agent does not pay an entry. */
export type ChoiceFault = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly requirement?: Requirement;
};

/** The checks in order. The client reports the fault of the entry that passed the most checks. */
const STAGES: readonly ErrorCode[] = [
  'scheme_unsupported',
  'network_unsupported',
  'flow_unsupported',
  'asset_not_allowed',
  'token_mismatch',
  'payee_not_allowed',
  'over_per_call',
  'over_total',
];

/**
 * Chooses the first entry that passes every rule and that `take` accepts. Where payments are bound, entries of `upto` come first: they move
 * the charge, and `exact` the maximum. Another server may not help a payer without allowance, so there they come last. Synchronous, so that
 * no parallel call of this agent can run between the check of the total and its counting (CWE-367).
 *
 * @param take counts the amount of an entry
 */
export const choose = (
  { entries, binding }: ReceivedOffer,
  rules: OfferSettings,
  take: (requirement: Requirement, asset: AssetId) => Result<Hold, Exhausted>,
): Result<Choice, ChoiceFault> => {
  let nearest: ChoiceFault | undefined;
  const isFirst = (entry: Entry): boolean => isUpto(entry) === (binding !== undefined);
  const ordered = [...entries.filter(isFirst), ...entries.filter((entry) => !isFirst(entry))];
  for (const entry of ordered) {
    const checked = check(entry, rules);
    if (checked.ok) {
      const { requirement, asset } = checked.value;
      const held = take(requirement, asset);
      if (held.ok) return ok({ ...checked.value, hold: held.value });
      nearest = nearerFault(nearest, aboveTotal(requirement, held.error));
    } else {
      nearest = nearerFault(nearest, checked.error);
    }
  }
  return err(nearest ?? { code: 'scheme_unsupported', detail: 'The offer has no entry.' });
};

type Passed = Omit<Choice, 'hold'>;

/** Checks an entry against every rule but the total. */
const check = (entry: Entry, rules: OfferSettings): Result<Passed, ChoiceFault> => {
  if (entry.kind === 'other') {
    return entry.what === 'scheme'
      ? err({ code: 'scheme_unsupported', detail: `The offer requires the scheme ${entry.saw}.` })
      : err({ code: 'network_unsupported', detail: `The offer is for the network ${entry.saw}.` });
  }
  const { requirement, raw } = entry;
  const { network, extra, amount, payTo } = requirement;
  const refuse = (code: ErrorCode, detail: string): Result<Passed, ChoiceFault> =>
    err({ code, detail, requirement });

  const token = tokenOf(network);
  if (token === undefined) {
    return refuse('network_unsupported', `The client has no token for the network ${network}.`);
  }
  if (isUpto(entry) && rules.upto === false) {
    return refuse(
      'scheme_unsupported',
      'The offer requires the scheme upto, which spend.upto forbids.',
    );
  }
  // A different flow needs another signature, whatever the scheme's name.
  const flow = [extra['assetTransferMethod'] ?? 'eip3009', extra['paymentFlow'] ?? 'authorization'];
  const method = isUpto(entry) ? 'permit2' : 'eip3009';
  if (flow[0] !== method || (flow[1] !== 'authorization' && flow[1] !== 'upfront')) {
    return refuse('flow_unsupported', `The offer requires the flow ${shown(flow)}.`);
  }
  // Any sender may settle the permit: the proxy pays only the payee, and at most the maximum.
  if (isUpto(entry) && (facilitatorOf(requirement) ?? ZERO_ADDRESS) === ZERO_ADDRESS) {
    return refuse('flow_unsupported', 'The offer of the scheme upto names no facilitatorAddress.');
  }
  const asset = assetId(network, requirement.asset);
  if (requirement.asset !== token.address || rules.assets?.has(asset) === false) {
    return refuse('asset_not_allowed', `The offer requires the asset ${asset}.`);
  }
  // The EIP-712 domain decides which contract accepts a signature. It comes from the pinned table; a server that names another is not paid.
  const named = [extra['name'] ?? token.name, extra['version'] ?? token.version];
  if (named[0] !== token.name || named[1] !== token.version) {
    return refuse('token_mismatch', `The offer names the domain ${shown(named)} for ${asset}.`);
  }
  if (rules.payees?.has(payTo) === false) {
    return refuse('payee_not_allowed', `The offer is payable to ${payTo}.`);
  }
  if (amount > rules.perCall) {
    const cap = formatDollars(rules.perCall);
    return refuse(
      'over_per_call',
      `The price is ${formatDollars(amount)}; the cap per call is ${cap}.`,
    );
  }
  return ok({ requirement, raw, token, asset });
};

const isUpto = (entry: Entry): boolean =>
  entry.kind === 'payable' && entry.requirement.scheme === 'upto';

const aboveTotal = (requirement: Requirement, { remaining }: Exhausted): ChoiceFault => ({
  code: 'over_total',
  detail: `The price is ${formatDollars(requirement.amount)}; ${formatDollars(remaining)} of the total remains.`,
  requirement,
});

const nearerFault = (known: ChoiceFault | undefined, fault: ChoiceFault): ChoiceFault =>
  known !== undefined && STAGES.indexOf(known.code) >= STAGES.indexOf(fault.code) ? known : fault;

const shown = (value: unknown): string => (JSON.stringify(value) ?? '').slice(0, 128);
