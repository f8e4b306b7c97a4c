import { sleep } from '../../client/transport.ts';
import { callEntries } from '../../client/call-entries.ts';
import type { Hex } from '../../core/hex.ts';
import type { AnswerOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/errors.ts';

export type Story = AnswerOf<'account.call'>;

/** A denied call has no row; only the log has it. */
type StoredCall =
  | { readonly kind: 'call'; readonly story: Story }
  | { readonly kind: 'denied'; readonly entries: readonly Entry[] };

type Params = { readonly account: AccountId; readonly call: Hex };

/** An account sends new entries to the database after at most 10 seconds (`EXPORT_DELAY`); the rest is for the queue. */
const LAG_MS = 15_000;
const PAUSE_MS = 1_000;

/**
 * Reads a call from the database. People read a call most often just after they made it, so this waits for one that the account may not
 * have sent there yet.
 *
 * @throws CliError `unknown_call`
 */
export const storedCall = async (admin: AdminClient, params: Params): Promise<StoredCall> => {
  const { progress, signal } = admin.session;
  const until = Date.now() + LAG_MS;
  for (;;) {
    try {
      return await read(admin, params);
    } catch (thrown) {
      if (!isRefusal(thrown, 'unknown_call') || Date.now() > until) throw thrown;
    }
    await progress.during('waiting for the call to reach the database', async () =>
      sleep(PAUSE_MS, signal),
    );
  }
};

const read = async (admin: AdminClient, params: Params): Promise<StoredCall> => {
  try {
    return { kind: 'call', story: (await admin.call('account.call', { params })).body };
  } catch (thrown) {
    if (!isRefusal(thrown, 'unknown_call')) throw thrown;
    const entries = await callEntries(admin, params, { after: 0, type: 'call.denied' });
    if (entries.length === 0) throw thrown;
    return { kind: 'denied', entries };
  }
};
