import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Status } from '../protocol/account/command.ts';
import type { Entry, Json } from '../protocol/entry.ts';

/** The row of an account in `accounts`, as its entries describe it. */
export type AccountRow = {
  /** Nearest first. */
  readonly ancestors: readonly AccountId[];
  readonly label?: string | undefined;
  /** Set by the owner. */
  readonly status: Status;
  readonly operatorStatus: Status;
  readonly firstAt: Seconds;
  /** Seq of the newest entry that changed it. */
  readonly seq: number;
};

/** The row of an account before its first entry. */
export const newRow = (firstAt: Seconds): AccountRow => ({
  ancestors: [],
  status: 'active',
  operatorStatus: 'active',
  firstAt,
  seq: 0,
});

/** The row after one more entry: the same object if the entry does not change it. */
export const rowAfter = (row: AccountRow, entry: Entry): AccountRow => {
  const changes = changesOf(entry);
  return changes === undefined ? row : { ...row, ...changes, seq: entry.seq };
};

const changesOf = (entry: Entry): Partial<AccountRow> | undefined => {
  const { type, decision, outcome = {} } = entry;
  if (type === 'grant.taken') {
    const ancestors = ancestorsOf(entry);
    return ancestors && { ancestors };
  }
  if (type === 'account.label') {
    return { label: typeof outcome.label === 'string' ? outcome.label : undefined };
  }
  const status = type === 'account.status' ? statusOf(decision) : undefined;
  if (status === undefined) return undefined;
  return outcome.side === 'owner' ? { status } : { operatorStatus: status };
};

const STATUSES: readonly Status[] = ['active', 'paused', 'frozen', 'revoked'];

const statusOf = (value: Json | undefined): Status | undefined =>
  STATUSES.find((each) => each === value);

/** The ancestors of an account that has taken a grant, nearest first. */
const ancestorsOf = ({ outcome }: Entry): readonly AccountId[] | undefined => {
  const above = outcome?.above;
  return Array.isArray(above) ? [...new Set(above.filter(isAccount))] : undefined;
};

const isAccount = (value: Json): value is AccountId =>
  typeof value === 'string' && parseAccountId(value) !== undefined;
