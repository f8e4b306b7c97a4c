import type { Address, Hex } from '../../core/hex.ts';
import { random32, ZERO_ADDRESS, ZERO_HASH } from '../../core/hex.ts';
import { USD, USD_ADDRESS } from '../../protocol/fiat-asset.ts';
import { type AgentDelegation, MAX_DEPTH } from '../../protocol/intent/agent-delegation.ts';
import type { OptionSpec } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, listOf } from '../lib/input.ts';
import { payeeIn } from '../lib/policy.ts';
import { timeIn } from '../lib/time.ts';
import { amountIn } from '../lib/units.ts';

/** The terms of a grant. */
export const TERMS: readonly OptionSpec[] = [
  { flags: '--per-day <amount>', summary: 'limit per day of UTC: dollars, 5 or 0.50' },
  {
    flags: '--total <amount>',
    summary: 'limit in total (default: --per-day for each day until it expires)',
  },
  { flags: '--per-call <amount>', summary: 'limit per call (default: --per-day, else the total)' },
  {
    flags: '--asset <asset>',
    summary: 'what the amounts are in: the dollar token of the network, or iso4217:USD for cards',
    choices: ['token', USD],
  },
  { flags: '--tools <ids>', summary: 'tool ids, prefix.* or *, comma-separated (default: *)' },
  { flags: '--payee <addresses>', summary: 'allowed payees, comma-separated (default: any)' },
  { flags: '--expires <time>', summary: 'e.g. 30d or 2026-12-31 (default: 30d)' },
];

/** Whether the options give a budget. */
export const hasTerms = (input: Input): boolean =>
  input.text('perDay') !== undefined || input.text('total') !== undefined;

export type Parties = {
  readonly issuer: Address;
  readonly delegate: Address;
  readonly audience: string;
  readonly asset: Address;
  /** The parent grant, if the issuer is not an owner. */
  readonly parent: Hex | undefined;
};

const DAY = 86_400n;

/** The delegation that the options describe. @throws CliError usage */
export const delegationIn = (
  { issuer, delegate, audience, asset, parent }: Parties,
  input: Input,
  now: number,
): AgentDelegation => {
  const [total, perCall, perDay] = (
    [
      ['total', '--total'],
      ['perCall', '--per-call'],
      ['perDay', '--per-day'],
    ] as const
  ).map(([option, flag]) => {
    const text = input.text(option);
    return text === undefined ? undefined : amountIn(text, flag);
  });
  const validUntil = BigInt(timeIn(input.text('expires') ?? '30d', '--expires', now));
  const days = (validUntil - BigInt(now) + DAY - 1n) / DAY;
  const maxTotal = total ?? (perDay === undefined ? undefined : perDay * (days > 0n ? days : 1n));
  if (maxTotal === undefined) {
    throw usageError(
      '--per-day or --total, the most that the agent may spend, is missing.',
      'Give e.g. --per-day 1, or --total 5; --total 0 allows free tools only.',
    );
  }
  const highest = perDay !== undefined && perDay < maxTotal ? perDay : maxTotal;
  return {
    issuer,
    delegate,
    audience,
    tools: listOf(input.text('tools') ?? '*'),
    payees: listOf(input.text('payee') ?? 'any').map(payeeIn),
    asset: maxTotal === 0n ? ZERO_ADDRESS : input.text('asset') === USD ? USD_ADDRESS : asset,
    maxPerCall: perCall ?? highest,
    maxTotal,
    windowSeconds: perDay === undefined ? 0n : DAY,
    maxPerWindow: perDay ?? 0n,
    validAfter: 0n,
    validUntil,
    // `revoke --all` raises the issuer's epoch to its own time: it kills every earlier grant and no later one.
    epoch: BigInt(now),
    depth: input.number('depth', 0, MAX_DEPTH) ?? 0,
    id: random32(),
    parent: parent ?? ZERO_HASH,
  };
};
