import type { Applied } from '../protocol/account/applied.ts';
import type { AccountCommand, CreditCommand } from '../protocol/account/command.ts';
import type { CommandIntent } from '../protocol/account/signer.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { hexOf } from '../crypto/bytes.ts';
import type { CheckedProof } from '../gateway/paid-request.ts';
import { intentFields } from '../protocol/intent/agent-intent.ts';
import { UNPAID_SKEW } from '../protocol/intent/intent-window.ts';
import type { AnswerOf } from './types.ts';
import type { AdminContext } from './admin-context.ts';

const ATTEMPT_BYTES = 16;

/** The signed intent as evidence, and what an account needs to carry it out once: a new attempt for each request that arrives. */
export const orderedBy = ({
  intent,
  signature,
  digest,
  validBefore,
}: CheckedProof): CommandIntent => ({
  fields: intent === undefined ? {} : intentFields(intent),
  signature,
  digest,
  // The leeway of clocks included: forgotten earlier, it could be sent once more.
  validBefore: validBefore + UNPAID_SKEW,
  attempt: hexOf(crypto.getRandomValues(new Uint8Array(ATTEMPT_BYTES))),
});

export type Done = Extract<Applied, { readonly verdict: 'applied' }>;

/** Gives an account an order. Any error on the way is a refusal; the same request may then be sent again (law 2). */
export const give = async (
  context: AdminContext,
  account: AccountId,
  order: AccountCommand,
): Promise<Result<Done, Reason>> => {
  try {
    const governed = await context.account(account).apply(order);
    switch (governed.verdict) {
      case 'applied':
        return ok(governed);
      case 'refused':
        return err(
          'field' in governed.fault
            ? { ...governed.fault, field: fieldOf(governed.fault.field) }
            : governed.fault,
        );
      case 'unavailable':
    }
  } catch (cause) {
    console.error({ event: 'order_failed', kind: order.kind, account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};

/** As `give`, of an order that concerns money alone. Gives the credit afterwards. */
export const applyOrder = async (
  context: AdminContext,
  account: AccountId,
  order: CreditCommand,
): Promise<Result<{ readonly credit: bigint; readonly known: boolean }, Reason>> => {
  try {
    const applied = await context.account(account).apply(order);
    switch (applied.verdict) {
      case 'applied':
        return ok({ credit: applied.credit ?? 0n, known: !applied.changed });
      case 'refused':
        return err(applied.fault);
      case 'unavailable':
    }
  } catch (cause) {
    console.error({ event: 'order_failed', kind: order.kind, account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};

/** Where the whole body is the document, an account's field is empty for the whole. */
const fieldOf = (field: string): string => (field === '' ? 'body' : `body.${field}`);

/** The wire form of what became of an order. */
export const orderedBody = (done: Done): AnswerOf<'accounts.put'> => ({
  changed: done.changed,
  revision: done.revision,
  acknowledged: [...done.acknowledged],
  silent: [...done.silent],
  ...(done.current === undefined ? {} : { etag: done.current }),
  ...(done.inFlight === undefined
    ? {}
    : { in_flight: { held: done.inFlight.held, cut_off: done.inFlight.cutOff } }),
});
