import { splitRun } from '../../../src/audit/chunk.ts';
import type { Resent } from '../../../src/protocol/account/rpc.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { entriesAfter } from './feed.ts';

/** Entries of one request: the next upkeep requests the following ones. */
const MOST = 2_000;

/**
 * Sends entries that D1 has lost to the audit queue again, as far as the account still stores them without a gap: a call keeps its entries
 * until it is forgotten, entries of commands end when D1 has acknowledged them (STORAGE.md). Writes nothing.
 */
export const resendEntries = async (ledger: Ledger, env: Env, from: number): Promise<Resent> => {
  const entries = await ledger.submit<readonly Entry[] | undefined>(
    (state) => unstored(state, runFrom(from, entriesAfter(ledger.disk(), from - 1, MOST))),
    undefined,
  );
  if (entries === undefined) return { verdict: 'unavailable' };
  for (const message of splitRun(entries))
    await env.AUDIT_QUEUE.send(message, { contentType: 'v8' });
  return { verdict: 'resent', to: entries.at(-1)?.seq ?? from - 1 };
};

/** The entries from `from` on, up to the first one that is missing. */
const runFrom = (from: number, entries: readonly Entry[]): readonly Entry[] => {
  const gap = entries.findIndex(({ seq }, at) => seq !== from + at);
  return gap === -1 ? entries : entries.slice(0, gap);
};
