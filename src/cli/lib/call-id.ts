import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type AdminClient, collected } from './admin-client.ts';
import { usageError } from './errors.ts';

/** How many of an account's newest calls to search for a shortened id. */
const MAX_LOOKED = 1000;

/** The call that an argument names: its whole id, or the short form of a table (`0x5b36c908…b956`). @throws CliError */
export const callNamed = async (
  admin: AdminClient,
  account: AccountId,
  text: string | undefined,
): Promise<Hex> => {
  const lower = (text ?? '').toLowerCase();
  if (/^0x[0-9a-f]{64}$/.test(lower)) return lower as Hex;
  const [, start, end] = /^(0x[0-9a-f]{8,})(?:…|\.\.\.)([0-9a-f]{4,})$/.exec(lower) ?? [];
  if (start === undefined || end === undefined) {
    throw usageError(
      'That is not a call id.',
      'Give an id as `countersign calls list` prints it: whole, or shortened as 0x5b36c908…b956.',
    );
  }
  const calls = admin.list('account.calls', { params: { account }, query: { limit: 500 } });
  const found = (await collected(admin, calls, MAX_LOOKED)).filter(
    ({ call }) => call.startsWith(start) && call.endsWith(end),
  );
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only.call;
  throw usageError(
    found.length === 0
      ? `None of the newest ${MAX_LOOKED} calls of the account has that id.`
      : 'Several calls of the account have that short id.',
    'Give the whole id: `countersign calls list --account <account> --json` prints it.',
  );
};
