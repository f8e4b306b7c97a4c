import type { AgentContext } from './context.ts';
import { CountersignError } from './errors.ts';
import { type Found, lookOn } from './look.ts';
import { type Outgoing, readOutgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { type Expected, receiptOf, type VerifiedReceipt } from './verify-receipt.ts';

/** A gateway may read on after its caller has disconnected. Seven waits, of 250 ms doubled each time, are about half a minute. */
const LOOKS = 8;
const FIRST_WAIT_MS = 250;

/**
 * Looks a call up until it has ended, free of charge, and returns its verified receipt. Ignores the caller's abort signal: a
 * caller that aborted the answer still wants to know the charge.
 *
 * @throws CountersignError `unknown_call`, `look_failed`, both with the call id
 */
export const endedCall = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  status: number,
  body: Expected['body'],
): Promise<VerifiedReceipt> => {
  const { call } = proof;
  const failed = (why: string, cause?: unknown): CountersignError =>
    new CountersignError('look_failed', `The charge of the call ${call} is not known: ${why}.`, {
      call,
      ...(cause === undefined ? {} : { cause }),
    });
  const question = await readOutgoing(new URL(`/calls/${call}`, outgoing.origin).href, {
    redirect: 'manual',
  });
  for (let looks = 1, waitMs = FIRST_WAIT_MS; ; looks += 1, waitMs *= 2) {
    const found = await lookOnce(context, question, proof).catch((cause: unknown) => {
      throw failed('the look-up failed', cause);
    });
    if (found === undefined) {
      throw new CountersignError('unknown_call', `The gateway does not know the call ${call}.`, {
        call,
      });
    }
    if (found.receipt !== undefined) {
      const receipt = await receiptOf(context, outgoing, proof, found.receipt, status, body);
      if (receipt.verified) return receipt;
      throw failed(`the receipt of its look-up does not verify: ${receipt.why}`);
    }
    const { state } = found.record;
    if (state !== 'held') throw failed(`it is ${state}, and its look-up has no receipt`);
    if (looks === LOOKS) throw failed('it is still running');
    await context.sleep(waitMs, undefined);
  }
};

const lookOnce = async (
  context: AgentContext,
  question: Outgoing,
  { gateway, network, call }: Proof,
): Promise<Found | undefined> =>
  gateway && (await lookOn(context, question, gateway.audience, network, call));
