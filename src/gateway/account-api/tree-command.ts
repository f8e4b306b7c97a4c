import { err, ok, type Result } from '../../core/result.ts';
import type { Applied } from '../../protocol/account/applied.ts';
import type { AccountCommand } from '../../protocol/account/command.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import type { Gateway } from '../gateway.ts';

/** Sends a command about grants to an account. Any error on the way is a refusal; the caller may send the command again (law 2). */
export const sendTreeCommand = async (
  gateway: Gateway,
  account: AccountId,
  command: AccountCommand,
): Promise<Result<Extract<Applied, { readonly verdict: 'applied' }>, Reason>> => {
  try {
    const applied = await gateway.account(account).apply(command);
    switch (applied.verdict) {
      case 'applied':
        return ok(applied);
      case 'refused':
        if (applied.fault.reason === 'too_many_commands') return err(applied.fault);
        // The gateway sends only commands about grants, so a fault without a field is a bug.
        return 'field' in applied.fault
          ? err({ ...applied.fault, field: `body.${applied.fault.field}` })
          : err({ reason: 'internal' });
      case 'unavailable':
    }
  } catch (cause) {
    console.error({
      event: 'tree_command_failed',
      kind: command.kind,
      account,
      cause: String(cause),
    });
  }
  return err({ reason: 'storage_unavailable' });
};
