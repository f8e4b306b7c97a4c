import { type Address, type Hex, ZERO_ADDRESS } from '../../core/hex.ts';
import { random32 } from '../../client/intent-proof.ts';
import { type AgentDelegation, MAX_DEPTH } from '../../protocol/intent/agent-delegation.ts';
import { ZERO_HASH } from '../../core/hex.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { moneyIn } from '../lib/amounts.ts';
import { timeIn } from '../lib/times.ts';
import { listOf, payeeOf } from '../lib/policy-flags.ts';

type Parties = {
  readonly issuer: Address;
  readonly delegate: Address;
  readonly audience: string;
  readonly asset: Address;
  /** The grant that the issuer itself stands on, where somebody is above it. */
  readonly parent: Hex | undefined;
};

const DAY = 86_400n;

/** The grant that the options describe. @throws CliError */
export const termsOf = (
  { issuer, delegate, audience, asset, parent }: Parties,
  input: Input,
  now: number,
): AgentDelegation => {
  const total = input.text('total');
  if (total === undefined) {
    throw usageError(
      '--total, the most that the agent may spend in all, is missing.',
      'Give --total, e.g. --total 5; 0 for free tools only.',
    );
  }
  const maxTotal = moneyIn(total, '--total');
  const perCall = input.text('perCall');
  const perDay = input.text('perDay');
  const payees = input.text('payee');
  return {
    issuer,
    delegate,
    audience,
    tools: listOf(input.text('tools') ?? '*'),
    payees: listOf(payees ?? 'any').map(payeeOf),
    asset: maxTotal === 0n ? ZERO_ADDRESS : asset,
    maxPerCall: perCall === undefined ? maxTotal : moneyIn(perCall, '--per-call'),
    maxTotal,
    windowSeconds: perDay === undefined ? 0n : DAY,
    maxPerWindow: perDay === undefined ? 0n : moneyIn(perDay, '--per-day'),
    validAfter: 0n,
    validUntil: BigInt(timeIn(input.text('expires') ?? '30d', '--expires', now)),
    // `revoke --all` raises the floor to its own time: what was granted until then dies, what comes later lives.
    epoch: BigInt(now),
    depth: input.number('depth', 0, MAX_DEPTH) ?? 0,
    id: random32(),
    parent: parent ?? ZERO_HASH,
  };
};
