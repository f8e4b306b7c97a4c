import type { ProblemBody } from '../../client/errors.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';

/** The name of an account on this machine, as typed in a command; undefined if the account has none. */
export type NameOf = (account: string) => string | undefined;

/**
 * Returns the command that resolves a refusal of the gateway. The gateway's own hint is for programs: it names routes and fields. Undefined
 * if only that hint helps, e.g. to wait.
 */
export const nextStep = (
  code: string,
  problem: ProblemBody | undefined,
  nameOf: NameOf = () => undefined,
): string | undefined => {
  if (code === 'denied') {
    const rule = textIn(problem, 'rule');
    return rule === undefined ? undefined : DENIALS[rule]?.(factsOf(problem, nameOf));
  }
  return REFUSALS[code];
};

type Facts = {
  /** The account of the rule, as commands take it. */
  readonly who: string;
  /** The smallest change that allows the call: one option of a policy, or, if a grant denies, another grant for this call alone. */
  readonly widen: (option: string) => string;
  /** A grant that pays for this call and nothing else. */
  readonly forCall: string;
  readonly tool: string;
  readonly price: string;
  /** The lowest limit that allows the call. */
  readonly needed: string;
  /** The amount that the balance or credit lacks, or that a debt leaves open. */
  readonly missing: string;
  /** The option that sets the limit of this window. */
  readonly perWindow: string;
  /** A grant denies, not the account itself. */
  readonly ofGrant: boolean;
  /** The call used a grant, so an owner stands above the account. */
  readonly isAgent: boolean;
  /** The account buys credit. */
  readonly isTopUp: boolean;
  /** The denial ends by itself. */
  readonly mayWait: boolean;
};

const HOUR = 3_600;
const DAY = 24 * HOUR;

const factsOf = (problem: ProblemBody | undefined, nameOf: NameOf): Facts => {
  // Attack: the gateway chooses these texts, and the user pastes the command into a shell (CWE-78).
  const account = plain(textIn(problem, 'account')) ?? '<account>';
  const who = nameOf(account) ?? account.slice(account.lastIndexOf(':') + 1);
  const tool = plain(textIn(problem, 'tool')) ?? '<tool>';
  const [price = 0n, limit = 0n, spent = 0n, remaining = 0n] = [
    ...['price', 'limit', 'spent', 'remaining'],
  ].map((name) => parseAmount(textIn(problem, name) ?? ''));
  const forCall = `--tools ${tool} --total ${dollars(price)}`;
  const ofGrant = textIn(problem, 'grant') !== undefined;
  const window = problem?.['window'];
  return {
    ...{ who, tool, forCall, ofGrant },
    widen: (option) =>
      ofGrant
        ? `its owner signs a grant for this call alone, which the call names with --grant: \`countersign grant ${who} ${forCall} --beside\``
        : `its owner changes its policy: \`countersign policy set ${who} ${option}\``,
    price: dollars(price),
    needed: dollars(limit - remaining + price),
    missing: dollars(textIn(problem, 'rule') === 'debt' ? spent : price - remaining),
    perWindow: window === HOUR ? '--per-hour' : window === DAY ? '--per-day' : '--per-month',
    isAgent: textIn(problem, 'authority') !== undefined,
    isTopUp: tool === 'countersign.credits',
    mayWait: problem?.['retry_after'] !== undefined,
  };
};

const plain = (text: string | undefined): string | undefined =>
  text !== undefined && /^\w[\w.:-]{0,127}$/.test(text) ? text : undefined;

/** Formats an amount for an option: without the dollar sign, which a shell would expand. */
const dollars = (amount: bigint): string => formatDollars(amount).replace('$', '');

const textIn = (problem: ProblemBody | undefined, member: string): string | undefined => {
  const value = problem?.[member];
  return typeof value === 'string' ? value : undefined;
};

/** By rule. The rules that only time ends keep the gateway's hint. */
const DENIALS: Readonly<Record<string, (facts: Facts) => string>> = {
  frozen: ({ who }) =>
    `The account that froze it lifts it: \`countersign resume ${who}\`, with --operator if the operator did. No signature of an agent can.`,
  paused: ({ who }) =>
    `The account that paused it lifts it: \`countersign resume ${who}\`, with --operator if the operator did.`,
  revoked: ({ who, forCall, ofGrant, price }) =>
    ofGrant
      ? `A revocation is permanent. Its owner signs a new grant, at least for this call: \`countersign grant ${who} ${forCall}\`.`
      : `${who} is permanently revoked: no grant lets it call again. Its owner makes another agent: \`countersign fleet new team --agents 1 --per-day ${price}\`.`,
  expired: ({ widen }) => `To go on, ${widen('--until 1d')}.`,
  tool: ({ tool, widen }) => `Call a tool that it may use, or ${widen(`--tools +${tool}`)}.`,
  approval: () =>
    'Pay with a payment bound to its request, from an account that has credit or has paid here before.',
  approval_queue: ({ who }) =>
    `The owner decides the calls that wait: \`countersign approvals list --account ${who}\`.`,
  payee: ({ widen }) =>
    `To allow this payee, which the 402 of the tool names as payTo, ${widen('--payee +<payTo>')}.`,
  deny: ({ who }) => `\`countersign policy get ${who}\` shows the rule: send other values.`,
  require: ({ who }) =>
    `\`countersign policy get ${who}\` shows the rule: send values that it allows.`,
  asset: ({ who }) => `\`countersign policy get ${who}\` shows the assets that it may pay in.`,
  per_call: ({ widen, price }) => `Choose a cheaper call, or ${widen(`--per-call ${price}`)}.`,
  window: ({ widen, needed, perWindow, mayWait }) =>
    `${mayWait ? 'Wait until the limit resets' : 'Choose a cheaper call'}, or ${widen(`${perWindow} ${needed}`)}.`,
  lifetime: ({ widen, needed }) => `Waiting does not help: ${widen(`--lifetime ${needed}`)}.`,
  exposure: ({ who, price }) =>
    `Wait until earlier payments have settled, or pay from credit: \`countersign credits top-up ${price} --to ${who}\` buys enough for this call.`,
  balance: ({ who, mayWait, isTopUp, price, forCall }) =>
    isTopUp
      ? `Send USDC to ${who} on this chain, then buy the credit again.`
      : `${mayWait ? 'Wait until earlier payments have settled, or send' : 'Send'} USDC to ${who} on this chain, or let its owner pay: \`countersign credits top-up ${price}\` and \`countersign grant ${who} ${forCall}\`, both with --as <owner>.`,
  debt: ({ who, missing }) =>
    `\`countersign credits top-up ${missing} --to ${who}\` clears the debt.`,
  // Without --to, the credit would belong to the key that pays, which need not be the account that was denied.
  credit: ({ who, isAgent, missing }) =>
    `\`countersign credits top-up ${missing} --to ${who}\` buys what this call lacks, for ${isAgent ? 'the account that has too little, which pays for the calls of its agents' : 'the account that was denied, which also pays for its agents'}.`,
  penniless: ({ who }) => `Send USDC to ${who} on this chain, then sign the call again.`,
  authority: () =>
    '`countersign accounts show` lists the grants of the account; --grant takes the hash of one, and no --grant takes the default grant.',
};

/** By code of the problem. */
const REFUSALS: Readonly<Record<string, string>> = {
  not_found:
    'Check the path, including upper and lower case: `countersign call /llms.txt` lists the tools of a gateway with their prices.',
  forbidden:
    'Give --as <name> with a key that may do this. Operators are the addresses in OPERATORS of the gateway; owners act on the accounts that `countersign accounts tree` lists.',
  precondition_failed: 'Run the command again: it reads the current version first.',
  precondition_required: 'Run the command again: it reads the current version first.',
  approval_required:
    'Its owner decides: `countersign approvals list`, then `countersign approvals approve <account> <call>`.',
  unknown_tool: '`countersign tools list` lists every tool.',
  unknown_call: '`countersign calls list --account <account>` lists the calls of an account.',
  credit_too_low: '`countersign credits show <account>` shows its credit: take at most that.',
  no_refund:
    'A refund is a transfer from PAY_TO or from an operator to the account. If the transaction has several, name one with --log-index.',
};
