import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { CommandIntent } from '../../../../src/protocol/account/command.ts';
import { accountOf, entriesOf, factsOf, intentCallOf, randomHex, stubOf } from '../../support.ts';
import { AUDIENCE, branchWith } from '../../tree-support.ts';

/** Calls above this price wait for approval. */
export const ABOVE = 1_000n;
export const PRICE = 2_000n;
/** The policy that demands approval. */
export const ASKING = { approveAbove: `${ABOVE}u` };

/** A signed command, as the gateway sends it to the account. */
export const freshIntent = (): CommandIntent => ({
  fields: {},
  signature: `0x${'55'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
});

/** Sets the owner's policy of an account. `by`, one of its ancestors, signs. */
export const ownerPolicy = (payer: Hex, by: Hex, document: object): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    ...{ kind: 'policy', slot: 'owner', document, expected: undefined as never },
    ...{ by: { account: accountOf(by), role: 'owner' }, intent: freshIntent() },
  });

/** Approves or refuses a parked call as `by`: an account, or `operator`. */
export const decide = (
  payer: Hex,
  call: Hex,
  by: Hex | 'operator',
  decision: 'approved' | 'refused' = 'approved',
  intent: CommandIntent = freshIntent(),
): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    ...{ kind: 'approval', call, decision, intent },
    by:
      by === 'operator'
        ? { account: accountOf(`0x${'0f'.repeat(20)}`), role: 'operator' }
        : { account: accountOf(by), role: 'owner' },
  });

/** A call from credit that waits under a policy that demands approval above `ABOVE`. */
export const bigCall = (payer: Hex, changes: Partial<Call> = {}): Call =>
  intentCallOf(payer, {
    ...{ price: PRICE, settlement: 'credit', audience: AUDIENCE },
    validBefore: nowSeconds() + 300,
    ...changes,
  });

export const reserve = async (
  payer: Hex,
  call: Call,
  evidence: Evidence = {},
  attempt: Hex = randomHex(16),
): Promise<ReserveVerdict> => {
  const verdict: ReserveVerdict = await stubOf(payer).reserve(call, attempt, evidence);
  return verdict.verdict === 'stale_payer'
    ? stubOf(payer).reserve(call, attempt, { ...evidence, facts: factsOf(10_000_000n) })
    : verdict;
};

/** The caller's own repeat, with the secret of its intent. The intent may have expired. */
export const repeat = (
  payer: Hex,
  call: Call,
  changes: Partial<Call> = {},
  attempt: Hex = randomHex(16),
): Promise<ReserveVerdict> =>
  reserve(payer, { ...call, showsSecret: true, ...changes }, {}, attempt);

/** An owner, its manager, and the manager's agent. A policy that `writer` set on the agent makes calls wait. */
export const askingBranch = async (writer: 'owner' | 'manager' = 'owner', policy?: object) => {
  const branch = await branchWith(100_000n, policy);
  await ownerPolicy(branch.agent, branch[writer], ASKING);
  return branch;
};

/** Such a branch, with a call that waits. */
export const waitingCall = async (writer: 'owner' | 'manager' = 'owner', policy?: object) => {
  const branch = await askingBranch(writer, policy);
  const call = bigCall(branch.agent);
  const verdict = await reserve(branch.agent, call);
  if (verdict.verdict !== 'parked') throw new Error(JSON.stringify(verdict));
  return { ...branch, call, verdict };
};

export const typesOf = async (payer: Hex): Promise<readonly string[]> =>
  (await entriesOf(payer)).filter(({ call }) => call !== undefined).map(({ type }) => type);

/** A new incoming request of a call. */
export const attempt = (): Hex => randomHex(16);
