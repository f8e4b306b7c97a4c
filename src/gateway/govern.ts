import type { Applied } from '../protocol/account/applied.ts';
import type { AccountCommand } from '../protocol/account/command.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Gateway } from './gateway.ts';

/** Gives an account an order that concerns its place in a tree. Any error on the way is a refusal; the order may be sent again (law 2). */
export const govern = async (
  gateway: Gateway,
  account: AccountId,
  order: AccountCommand,
): Promise<Result<Extract<Applied, { readonly verdict: 'applied' }>, Reason>> => {
  try {
    const governed = await gateway.account(account).apply(order);
    switch (governed.verdict) {
      case 'applied':
        return ok(governed);
      case 'refused':
        if (governed.fault.reason === 'too_many_commands') return err(governed.fault);
        // What the gateway asks for here is about a grant: no other fault can be the answer.
        return 'field' in governed.fault
          ? err({ ...governed.fault, field: `body.${governed.fault.field}` })
          : err({ reason: 'internal' });
      case 'unavailable':
    }
  } catch (cause) {
    console.error({ event: 'govern_failed', kind: order.kind, account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};
