import type { ProblemBody } from '../../client/errors.ts';

/**
 * The command that mends a refusal of the gateway. The gateway's own hint is for programs: it names routes and fields. Undefined if that
 * hint is all that helps, e.g. to wait.
 */
export const nextStep = (code: string, problem: ProblemBody | undefined): string | undefined => {
  if (code === 'denied') {
    const rule = textIn(problem, 'rule');
    return rule === undefined ? undefined : DENIALS[rule]?.(factsOf(problem));
  }
  return REFUSALS[code];
};

type Facts = {
  /** The account of the rule, as commands take it. */
  readonly who: string;
  /** What lets the account do more: a change of its policy, or a new grant if a grant denies. */
  readonly widenFor: (inPolicy: string, inGrant: string) => string;
  /** As `widenFor`, for an option that both have. */
  readonly widen: (option: string) => string;
  readonly price: string | undefined;
  /** A grant denies, not the account itself. */
  readonly ofGrant: boolean;
  /** The call used a grant, so an owner stands above the account. */
  readonly isAgent: boolean;
  /** The account buys credit. */
  readonly isTopUp: boolean;
  /** The denial ends by itself. */
  readonly mayWait: boolean;
};

const factsOf = (problem: ProblemBody | undefined): Facts => {
  const who = textIn(problem, 'account')?.split(':').at(-1) ?? '<account>';
  const price = textIn(problem, 'price');
  const widenFor: Facts['widenFor'] = (inPolicy, inGrant) =>
    textIn(problem, 'grant') === undefined
      ? `its owner changes its policy: \`countersign policy set ${who} ${inPolicy}\``
      : `its owner signs a new grant: \`countersign grant ${who} ${inGrant}\``;
  return {
    who,
    widenFor,
    widen: (option) =>
      widenFor(option, option.startsWith('--per-day') ? option : `--per-day 1 ${option}`),
    price: price === undefined ? undefined : `${price}u`,
    ofGrant: textIn(problem, 'grant') !== undefined,
    isAgent: textIn(problem, 'authority') !== undefined,
    isTopUp: textIn(problem, 'tool') === 'countersign.credits',
    mayWait: problem?.['retry_after'] !== undefined,
  };
};

const textIn = (problem: ProblemBody | undefined, member: string): string | undefined => {
  const value = problem?.[member];
  return typeof value === 'string' ? value : undefined;
};

const FUNDS =
  'buys credit, which also pays for the agents of the account (--to <account>: for another one).';

/** By rule. The rules that only time ends keep the gateway's hint. */
const DENIALS: Readonly<Record<string, (facts: Facts) => string>> = {
  frozen: ({ who }) =>
    `The account that froze it lifts it: \`countersign resume ${who}\`, with --operator if the operator did. No signature of an agent can.`,
  paused: ({ who }) =>
    `The account that paused it lifts it: \`countersign resume ${who}\`, with --operator if the operator did.`,
  revoked: ({ who, ofGrant }) =>
    ofGrant
      ? `A revocation is permanent. Its owner signs a new grant: \`countersign grant <agent> --per-day 1\`.`
      : `${who} is revoked for good: no grant lets it call again. Its owner makes another agent: \`countersign fleet new team --agents 1 --per-day 1\`.`,
  expired: ({ widenFor }) => `To go on, ${widenFor('--until 30d', '--per-day 1 --expires 30d')}.`,
  tool: ({ widen }) => `Call a tool that it may use, or ${widen("--tools '*'")}.`,
  approval: () =>
    'Pay with a payment bound to its request, from an account that has credit or has paid here before.',
  approval_queue: ({ who }) =>
    `The owner decides the calls that wait: \`countersign approvals list --account ${who}\`.`,
  payee: ({ widen }) => `To allow this payee, ${widen('--payee any')}.`,
  deny: ({ who }) => `\`countersign policy get ${who}\` shows the rule: send other values.`,
  require: ({ who }) =>
    `\`countersign policy get ${who}\` shows the rule: send values that it allows.`,
  asset: ({ who }) => `\`countersign policy get ${who}\` shows the assets that it may pay in.`,
  per_call: ({ widen, price }) =>
    `Choose a cheaper call, or ${widen(`--per-call ${price ?? '0.10'}`)}.`,
  window: ({ widen }) => `Wait until the limit resets, or ${widen('--per-day 5')}.`,
  lifetime: ({ widenFor }) => `Waiting does not help: ${widenFor('--lifetime 10', '--total 10')}.`,
  exposure: () =>
    'Wait until earlier payments have settled, or pay from credit: `countersign credits top-up 5` buys some.',
  balance: ({ who, mayWait, isTopUp }) =>
    isTopUp
      ? `Send USDC to ${who} on this chain, then buy the credit again.`
      : `${mayWait ? 'Wait until earlier payments have settled, or send' : 'Send'} USDC to ${who} on this chain, or let its owner pay: \`countersign credits top-up 5\` and \`countersign grant ${who} --per-day 1\`, both with --as <owner>.`,
  debt: ({ who }) => `\`countersign credits top-up 1 --to ${who}\` clears the debt.`,
  credit: ({ isAgent }) =>
    isAgent
      ? 'The credit of its owner pays for its calls: `countersign credits top-up 5 --as <owner>` buys some. From another key: `countersign credits top-up 5 --to <owner>`.'
      : `\`countersign credits top-up 5\` ${FUNDS}`,
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
