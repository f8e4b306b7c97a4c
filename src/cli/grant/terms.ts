import { random32 } from '../../client/intent-proof.ts';
import { type Address, type Hex, ZERO_ADDRESS, ZERO_HASH } from '../../core/hex.ts';
import { type AgentDelegation, MAX_DEPTH } from '../../protocol/intent/agent-delegation.ts';
import { amountIn } from '../lib/amounts.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, listOf } from '../lib/input.ts';
import { payeeIn } from '../lib/policy-flags.ts';
import { timeIn } from '../lib/times.ts';

type Parties = {
  readonly issuer: Address;
  readonly delegate: Address;
  readonly audience: string;
  readonly asset: Address;
  /** The grant of which this one is a part, if the issuer is not an owner. */
  readonly parent: Hex | undefined;
};

const DAY = 86_400n;

/** The delegation that the options describe. @throws CliError usage */
export const delegationIn = (
  { issuer, delegate, audience, asset, parent }: Parties,
  input: Input,
  now: number,
): AgentDelegation => {
  const total = input.text('total');
  if (total === undefined) {
    throw usageError(
      '--total, the most that the agent may spend, is missing.',
      'Give --total, e.g. --total 5, or --total 0 for free tools only.',
    );
  }
  const maxTotal = amountIn(total, '--total');
  const perCall = input.text('perCall');
  const perDay = input.text('perDay');
  return {
    issuer,
    delegate,
    audience,
    tools: listOf(input.text('tools') ?? '*'),
    payees: listOf(input.text('payee') ?? 'any').map(payeeIn),
    asset: maxTotal === 0n ? ZERO_ADDRESS : asset,
    maxPerCall: perCall === undefined ? maxTotal : amountIn(perCall, '--per-call'),
    maxTotal,
    windowSeconds: perDay === undefined ? 0n : DAY,
    maxPerWindow: perDay === undefined ? 0n : amountIn(perDay, '--per-day'),
    validAfter: 0n,
    validUntil: BigInt(timeIn(input.text('expires') ?? '30d', '--expires', now)),
    // `revoke --all` raises the issuer's epoch to its own time: it kills every earlier grant and no later one.
    epoch: BigInt(now),
    depth: input.number('depth', 0, MAX_DEPTH) ?? 0,
    id: random32(),
    parent: parent ?? ZERO_HASH,
  };
};
