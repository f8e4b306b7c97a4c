import { assetId, type AssetId } from '../protocol/account-id.ts';
import { type Address } from '../core/hex.ts';
import { formatDollars } from '../protocol/amount.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Token } from '../protocol/payment.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import type { ErrorCode } from './errors.ts';
import type { Entry, ReceivedOffer } from './received-offer.ts';
import type { Hold, Short } from './spend.ts';

/** What the agent may pay, as its owner said. */
export type Rules = {
  readonly perCall: bigint;
  /** Absent: every pinned token. */
  readonly assets?: ReadonlySet<AssetId>;
  /** Absent: anybody. */
  readonly payees?: ReadonlySet<Address>;
  /** No payment is signed for a call. */
  readonly onlyCredit?: boolean;
};

/** An entry that passed, with its amount taken off the budget. */
export type Choice = {
  readonly requirement: Requirement;
  readonly raw: unknown;
  readonly token: Token;
  readonly asset: AssetId;
  readonly hold: Hold;
};

/** Why an entry is not paid, in words and figures. */
export type ChoiceFault = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly requirement?: Requirement;
};

/** How far an entry came: what is told is why the one failed that came furthest. */
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
 * Takes the first entry that passes every rule and that `take` lets through. Synchronous: between the rule on the total and its
 * counting no other call of this agent can come.
 */
export const choose = (
  { entries }: ReceivedOffer,
  rules: Rules,
  take: (requirement: Requirement, asset: AssetId) => Result<Hold, Short>,
): Result<Choice, ChoiceFault> => {
  let nearest: ChoiceFault | undefined;
  for (const entry of entries) {
    const judged = judge(entry, rules);
    if (judged.ok) {
      const { requirement, asset } = judged.value;
      const held = take(requirement, asset);
      if (held.ok) return ok({ ...judged.value, hold: held.value });
      nearest = further(nearest, overTotal(requirement, held.error));
    } else {
      nearest = further(nearest, judged.error);
    }
  }
  return err(nearest ?? { code: 'scheme_unsupported', detail: 'The offer holds no entry.' });
};

type Passed = Omit<Choice, 'hold'>;

/** Whether an entry may be paid, its amount against the total aside. */
const judge = (entry: Entry, rules: Rules): Result<Passed, ChoiceFault> => {
  if (entry.kind === 'other') {
    return entry.what === 'scheme'
      ? err({ code: 'scheme_unsupported', detail: `The offer wants the scheme ${entry.saw}.` })
      : err({ code: 'network_unsupported', detail: `The offer is for the network ${entry.saw}.` });
  }
  const { requirement, raw } = entry;
  const { network, extra, amount, payTo } = requirement;
  const refuse = (code: ErrorCode, detail: string): Result<Passed, ChoiceFault> =>
    err({ code, detail, requirement });

  const token = tokenOf(network);
  if (token === undefined) {
    return refuse('network_unsupported', `No token is pinned for the network ${network}.`);
  }
  // Another flow signs another thing than an EIP-3009 transfer, whatever the scheme is called.
  const flow = [extra['assetTransferMethod'] ?? 'eip3009', extra['paymentFlow'] ?? 'authorization'];
  if (flow[0] !== 'eip3009' || (flow[1] !== 'authorization' && flow[1] !== 'upfront')) {
    return refuse('flow_unsupported', `The offer wants the flow ${shown(flow)}.`);
  }
  const asset = assetId(network, requirement.asset);
  if (requirement.asset !== token.address || rules.assets?.has(asset) === false) {
    return refuse('asset_not_allowed', `The offer wants ${asset}.`);
  }
  // The domain decides what a signature is good for: it comes from our table, and a server that says otherwise is not paid.
  const named = [extra['name'] ?? token.name, extra['version'] ?? token.version];
  if (named[0] !== token.name || named[1] !== token.version) {
    return refuse('token_mismatch', `The offer calls ${asset} ${shown(named)}.`);
  }
  if (rules.payees?.has(payTo) === false) {
    return refuse('payee_not_allowed', `The offer pays ${payTo}.`);
  }
  if (amount > rules.perCall) {
    const cap = formatDollars(rules.perCall);
    return refuse(
      'over_per_call',
      `The price is ${formatDollars(amount)}, the cap per call ${cap}.`,
    );
  }
  return ok({ requirement, raw, token, asset });
};

const overTotal = (requirement: Requirement, { left }: Short): ChoiceFault => ({
  code: 'over_total',
  detail: `The price is ${formatDollars(requirement.amount)}; ${formatDollars(left)} of the total is left.`,
  requirement,
});

const further = (known: ChoiceFault | undefined, fault: ChoiceFault): ChoiceFault =>
  known !== undefined && STAGES.indexOf(known.code) >= STAGES.indexOf(fault.code) ? known : fault;

const shown = (value: unknown): string => (JSON.stringify(value) ?? '').slice(0, 128);
