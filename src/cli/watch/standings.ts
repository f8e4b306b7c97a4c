import type { Management } from '../../client/management.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { ownerSettlements, readPart } from './reads.ts';
import { type Budget, budgetsOf, type Part, type Settlements, tightest } from './state.ts';

/** The limits and money of the accounts that the dashboard follows. Asks only for accounts that changed. */
export type Standings = {
  /** The account changed, or is new. */
  readonly mark: (account: AccountId) => void;
  /** The account decided: its limits changed, and those of its ancestors. */
  readonly markLineage: (account: AccountId) => void;
  /** Agents reported: the limits of every ancestor may have changed. */
  readonly markParents: () => void;
  /** Whether changed accounts wait for the next read. */
  readonly hasMore: () => boolean;
  /** Asks for the accounts that changed. @throws Unreachable */
  readonly read: () => Promise<{
    readonly budgets: Part<readonly Budget[]>;
    /** What an owner sees of payments. */
    readonly settlements: Part<Settlements>;
  }>;
};

type Standing = {
  readonly parent: AccountId | undefined;
  readonly budgets: readonly Budget[];
  readonly unsettled: bigint;
  readonly debt: bigint;
};

const AT_ONCE = 8;
/** Accounts of one read; the others follow with the next. */
const MAX_READS = 24;
const NO_ACCOUNT =
  'The gateway shows this key no account yet. A grant, credit or a paid call opens one.';

export const createStandings = (
  management: Management,
  nameOf: (account: string, label?: string) => string,
  now: () => number,
): Standings => {
  const known = new Map<AccountId, Standing>();
  const changed = new Set<AccountId>();
  let hasMore = false;

  const readOne = async (account: AccountId): Promise<string | undefined> => {
    const part = await readPart(NO_ACCOUNT, async () => {
      const { body } = await management.call('account.get', { params: { account } });
      return { value: body, asOf: undefined };
    });
    if (part.kind === 'closed') return part.why;
    changed.delete(account);
    if (part.kind !== 'known') return undefined;
    const { money, label, parent } = part.value;
    const sum = (field: 'unsettled' | 'debt'): bigint =>
      money.reduce((total, each) => total + BigInt(each[field]), 0n);
    known.set(account, {
      parent: parent as AccountId | undefined,
      budgets: budgetsOf(account, nameOf(account, label), part.value),
      ...{ unsettled: sum('unsettled'), debt: sum('debt') },
    });
    return undefined;
  };

  /** A window that ended is full again, without an entry. */
  const markReset = (): void => {
    for (const [account, { budgets }] of known)
      if (budgets.some(({ resetsAt }) => resetsAt !== undefined && resetsAt <= now()))
        changed.add(account);
  };

  return {
    mark: (account) => {
      changed.add(account);
    },
    markLineage: (account) => {
      let at: AccountId | undefined = account;
      // At most three levels; the bound is for a gateway that answers in a circle.
      for (let level = 0; at !== undefined && known.has(at) && level < 8; level += 1) {
        changed.add(at);
        at = known.get(at)?.parent;
      }
    },
    markParents: () => {
      for (const { parent } of known.values())
        if (parent !== undefined && known.has(parent)) changed.add(parent);
    },
    hasMore: () => hasMore,
    read: async () => {
      markReset();
      const asOf = now();
      const due = [...changed].slice(0, MAX_READS);
      hasMore = changed.size > due.length;
      const refusals: (string | undefined)[] = [];
      for (let at = 0; at < due.length; at += AT_ONCE)
        refusals.push(...(await Promise.all(due.slice(at, at + AT_ONCE).map(readOne))));
      const all = [...known.values()];
      const why = refusals.find((text) => text !== undefined);
      const settlements = { kind: 'known', value: ownerSettlements(all), asOf } as const;
      if (all.length === 0 && why !== undefined)
        return { budgets: { kind: 'closed', why }, settlements };
      const budgets = tightest(all.flatMap((each) => each.budgets));
      return { budgets: { kind: 'known', value: budgets, asOf }, settlements };
    },
  };
};
