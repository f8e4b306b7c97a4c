import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Status } from '../protocol/account/command.ts';
import type { Facts } from '../protocol/log/facts.ts';

/** The row of an account in `accounts`, as its entries describe it. */
export type AccountRow = {
  /** The issuer of the grant that it took last. */
  readonly parent?: AccountId | undefined;
  /** Ancestors that were not cut off, nearest first. */
  readonly ancestors: readonly AccountId[];
  readonly label?: string | undefined;
  /** The role of the signer who set the label. */
  readonly namedBy?: 'operator' | 'owner' | undefined;
  /** Set by the owner. */
  readonly status: Status;
  readonly operatorStatus: Status;
  readonly firstAt: Seconds;
  /** Seq of the newest entry that changed it. */
  readonly seq: number;
};

/**
 * Attack: an account may take the name of a customer. The operator recognises accounts by their labels, so the operator's lists mark each
 * label that the operator did not set. The mark comes first, so that no long name pushes it out of a column.
 */
const OWN_NAME = '(own name) ';

/** SQL for the label of a row of `accounts`, as the operator's lists show it. */
export const OPERATORS_LABEL = `iif(named_by = 'operator', label, '${OWN_NAME}' || label)`;

/** The same for a label that was read together with the column `named_by`. */
export const operatorsLabel = (label: string, namedBy: AccountRow['namedBy'] | null): string =>
  namedBy === 'operator' ? label : OWN_NAME + label;

/** The row of an account before its first entry. */
export const newRow = (firstAt: Seconds): AccountRow => ({
  ancestors: [],
  status: 'active',
  operatorStatus: 'active',
  firstAt,
  seq: 0,
});

/** The row after one more entry: the same object if the entry does not change it. */
export const rowAfter = (row: AccountRow, entry: Facts): AccountRow => {
  const own = changesOf(entry);
  const ancestors = accountsIn(entry.outcome.ancestors);
  if (own === undefined && ancestors === undefined) return row;
  // A grant that is taken in the same entry names the ancestors that apply from then on.
  return { ...row, ...(ancestors === undefined ? {} : { ancestors }), ...own, seq: entry.seq };
};

const changesOf = (entry: Facts): Partial<AccountRow> | undefined => {
  if (entry.type === 'grant.taken') {
    const ancestors = accountsIn(entry.outcome.above);
    return ancestors && { parent: ancestors[0], ancestors };
  }
  if (entry.type === 'account.label') {
    const { label } = entry.outcome;
    if (typeof label !== 'string') return { label: undefined, namedBy: undefined };
    return { label, namedBy: entry.evidence.role === 'operator' ? 'operator' : 'owner' };
  }
  if (entry.type === 'account.erased') return { label: undefined, namedBy: undefined };
  if (entry.type !== 'account.status') return undefined;
  const status = STATUSES.find((each) => each === entry.decision);
  if (status === undefined) return undefined;
  return entry.outcome.side === 'owner' ? { status } : { operatorStatus: status };
};

const STATUSES: readonly Status[] = ['active', 'paused', 'frozen', 'revoked'];

/** A list of ancestors, nearest first. */
const accountsIn = (list: readonly string[] | undefined): readonly AccountId[] | undefined =>
  list && [...new Set(list.filter(isAccount))];

const isAccount = (text: string): text is AccountId => parseAccountId(text) !== undefined;
