import { parseAmount } from '../protocol/amount.ts';
import type { AgentContext } from './context.ts';
import { CountersignError, isProblem } from './errors.ts';
import type { ExchangeResult } from './exchange.ts';
import type { Choice } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { GAS_SPONSORING_EXTENSION } from '../protocol/x402/permit2.ts';
import { withApproval } from './permit-approval.ts';
import { completeCall, completeOrWait, present } from './present.ts';
import type { Proof } from './proof.ts';
import type { ReceivedOffer } from './received-offer.ts';
import type { SignedResult } from './signed-result.ts';
import type { Signer } from './signer.ts';
import { race } from './transport.ts';

/** A payment by `upto` that is signed. */
export type SignedPermit = {
  readonly offer: ReceivedOffer;
  readonly choice: Choice;
  readonly proof: Proof;
  /** As `Terms.keep`. */
  readonly keep: ((proof: Proof) => Promise<void>) | undefined;
};

/**
 * As `presentAndComplete`. If Permit2 lacks the allowance, approves it for exactly the maximum (EIP-2612) and sends the same permit again:
 * both have one call id, so the gateway runs and charges at most one (law 3).
 *
 * @throws CountersignError as `presentAndComplete`; `allowance_missing`
 */
export const presentPermit = async (
  context: AgentContext,
  outgoing: Outgoing,
  permit: SignedPermit,
): Promise<SignedResult> => {
  const first = await present(context, outgoing, permit.proof);
  if (!lacksAllowance(first)) return await complete(context, outgoing, permit, first);
  const { result, proof } = await inTurn(context.signer, async (isFirst) => {
    // The approval of an earlier call has used the nonce that the denial states.
    const denied = isFirst ? first : await present(context, outgoing, permit.proof);
    if (!lacksAllowance(denied)) return { result: denied, proof: permit.proof };
    const approved = await approve(context, outgoing, permit, denied);
    await permit.keep?.(approved);
    await denied.response.body?.cancel().catch(() => undefined);
    return { result: await present(context, outgoing, approved), proof: approved };
  });
  if (lacksAllowance(result)) throw missing(result, proof);
  return await complete(context, outgoing, { ...permit, proof }, result);
};

/** The last approval of each account that is under way. */
const approvals = new WeakMap<Signer, Promise<unknown>>();

/**
 * Runs approvals of one account one after the other. Race: of two with the same nonce the token takes one, and an approval replaces the
 * allowance of the one before.
 */
const inTurn = async <T>(signer: Signer, work: (isFirst: boolean) => Promise<T>): Promise<T> => {
  const before = approvals.get(signer);
  const turn =
    before === undefined
      ? work(true)
      : before.catch(() => undefined).then(async () => await work(false));
  approvals.set(signer, turn);
  try {
    return await turn;
  } finally {
    if (approvals.get(signer) === turn) approvals.delete(signer);
  }
};

const complete = async (
  context: AgentContext,
  outgoing: Outgoing,
  { proof, choice }: SignedPermit,
  result: ExchangeResult,
): Promise<SignedResult> =>
  await completeOrWait(context, outgoing, proof, result, {
    complete: async (answered) =>
      await completeCall(context, outgoing, proof, answered, choice.hold.settle),
  });

const lacksAllowance = ({ problem }: ExchangeResult): boolean =>
  isProblem(problem, 'denied') && problem?.['rule'] === 'allowance';

const approve = async (
  { signer }: AgentContext,
  { signal }: Outgoing,
  { offer, choice, proof }: SignedPermit,
  denied: ExchangeResult,
): Promise<Proof> => {
  const stated = denied.problem?.['approval_nonce'];
  const nonce = typeof stated === 'string' ? parseAmount(stated) : undefined;
  if (nonce === undefined || !Object.hasOwn(offer.extensions, GAS_SPONSORING_EXTENSION)) {
    throw missing(denied, proof);
  }
  const work = async () => await withApproval(signer, choice, proof, nonce);
  const approved = await (signal === undefined ? work() : race(signal, work)).catch(
    (cause: unknown) => {
      throw signal?.aborted === true ? cause : missing(denied, proof, cause);
    },
  );
  if (approved === undefined) throw missing(denied, proof);
  return approved;
};

const missing = (
  { response, problem }: ExchangeResult,
  { call }: Proof,
  cause?: unknown,
): CountersignError =>
  new CountersignError(
    'allowance_missing',
    `Permit2 may not transfer the maximum of the call ${call}, and ${cause === undefined ? 'the account cannot approve it with a signature' : 'the account did not sign the approval'}. The call did not run.`,
    { response, call, ...(problem && { problem }), cause },
  );
