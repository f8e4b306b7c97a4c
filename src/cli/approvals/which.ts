import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { accountNamed } from '../lib/accounts.ts';
import { type AdminClient, collected } from '../lib/admin-client.ts';
import type { ArgumentSpec } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';

/** A call that waits, by its payer and id. */
export const WHICH: readonly ArgumentSpec[] = [
  { syntax: '<account>', summary: 'payer: key name, label, address or account id' },
  { syntax: '<call>', summary: 'call id, whole or as a table shortens it' },
];

/** @throws CliError */
export const whichApproval = async (
  admin: AdminClient,
  input: Input,
): Promise<{ readonly account: AccountId; readonly call: Hex }> => {
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const text = (input.arguments[1] ?? '').toLowerCase();
  if (/^0x[0-9a-f]{64}$/.test(text)) return { account, call: text as Hex };
  const [, start, end] = /^(0x[0-9a-f]{8,})(?:…|\.\.\.)([0-9a-f]{4,})$/.exec(text) ?? [];
  if (start === undefined || end === undefined) {
    throw usageError(
      'That is not a call id.',
      'Give an id as `countersign approvals list` prints it: whole, or shortened as 0x5b36c908…b956.',
    );
  }
  const waiting = await Promise.all(
    (['waiting', 'approved'] as const).map(async (state) =>
      collected(
        admin,
        admin.list('account.approvals', { params: { account }, query: { limit: 500, state } }),
        500,
      ),
    ),
  );
  const found = waiting.flat().filter(({ call }) => call.startsWith(start) && call.endsWith(end));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return { account: only.account, call: only.call };
  throw usageError(
    found.length === 0
      ? 'No call of the account that waits has that id.'
      : 'Several calls that wait have that short id.',
    'Give the whole id: `countersign approvals list --json` prints it.',
  );
};
