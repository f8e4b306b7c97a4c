import { inTime } from '../core/in-time.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { isTraceId } from '../protocol/trace-link.ts';
import type { AdminContext } from './handler.ts';

/** A busy account may answer late; the story of its call then omits the trace. */
const TIMEOUT_MS = 2_000;

/** The trace of a call, from the account's own record: undefined if it was not traced, or if the account is silent or has forgotten it. */
export const traceOf = async (
  { account }: Pick<AdminContext, 'account'>,
  { account: id, call }: { readonly account: AccountId; readonly call: Hex },
): Promise<string | undefined> => {
  try {
    const found = await inTime(account(id).lookUp({ account: id, call }), TIMEOUT_MS);
    const trace = found.verdict === 'found' ? found.status.trace : undefined;
    return isTraceId(trace) ? trace : undefined;
  } catch (cause) {
    console.error({ event: 'trace_unavailable', account: id, call, cause: String(cause) });
    return undefined;
  }
};
