import type { ItemOf, Management } from '../../client/management.ts';
import { sumOf } from '../format/amount.ts';
import { daysBefore } from '../format/time.ts';
import { allOf, firstRows, type Rows } from './list.ts';
import { gatewayNow } from './reader.ts';
import type { Scope } from './scope.ts';
import type { SpendRow } from './spending.ts';

export type CallFilters = {
  readonly account?: string;
  readonly tool?: string;
  readonly state?: 'held' | 'committed' | 'released' | 'abandoned';
  /** UTC days of the end, both included. */
  readonly from?: string;
  readonly to?: string;
};

export type CallRow = ItemOf<'calls.list'>;
export type ChangeRow = ItemOf<'changes.list'>;

/** Calls, and with days the changes of charges of these days and the total that both add up to. */
export type CallRows = {
  readonly calls: Rows<CallRow>;
  readonly changes?: Rows<ChangeRow>;
  readonly total?: readonly SpendRow[];
};

const secondsOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000;

/** Reads calls, newest first: of an account, or for an operator of all. */
export const readCallRows = async (
  management: Management,
  scope: Scope,
  { account: asked, tool, state, from, to }: CallFilters,
  most: number,
  signal: AbortSignal,
): Promise<CallRows> => {
  const account = asked ?? (scope.role === 'operator' ? undefined : scope.account);
  const facts = tool === undefined ? {} : { tool };
  const isDated = from !== undefined || to !== undefined;
  const today = new Date(gatewayNow() * 1000).toISOString().slice(0, 10);
  const last = to ?? today;
  const first = from ?? daysBefore(last, 29);
  const [start, end] = [secondsOf(first), secondsOf(daysBefore(last, -1))];
  const query = {
    ...facts,
    ...(state === undefined ? {} : { state }),
    ...(isDated ? { endedFrom: start, endedTo: end } : {}),
  };
  const calls =
    account === undefined
      ? await firstRows(management, 'calls.list', { query }, most, signal)
      : await firstRows(management, 'account.calls', { params: { account }, query }, most, signal);
  if (!isDated) return { calls };
  const during = { ...facts, from: start, to: end };
  const changes =
    account === undefined
      ? await firstRows(management, 'changes.list', { query: during }, most, signal)
      : await firstRows(
          management,
          'account.changes',
          { params: { account }, query: during },
          most,
          signal,
        );
  const spent = { ...facts, by: 'day', from: first, to: last, limit: 500 } as const;
  const total = await allOf(
    account === undefined
      ? management.list('spend', { query: spent, signal })
      : management.list('account.spend', {
          params: { account },
          query: { ...spent, account },
          signal,
        }),
  );
  return { calls, changes, total };
};

/** What the rows add up to, by asset. */
export const sumOfRows = ({ calls, changes }: CallRows): ReadonlyMap<string, bigint> => {
  const amounts = [
    ...calls.items.map(({ asset = '', spent = '0' }) => [asset, spent] as const),
    ...(changes?.items ?? []).map(({ asset = '', amount }) => [asset, amount] as const),
  ];
  const sums = [...Map.groupBy(amounts, ([asset]) => asset)].map(
    ([asset, same]) => [asset, sumOf(same.map(([, amount]) => amount))] as const,
  );
  return new Map(sums.filter(([, sum]) => sum !== 0n));
};

/** The total of the ledger, by asset. */
export const sumOfTotal = (total: readonly SpendRow[]): ReadonlyMap<string, bigint> => {
  const sums = [...Map.groupBy(total, ({ asset = '' }) => asset)].map(
    ([asset, same]) => [asset, sumOf(same.map(({ charged }) => charged))] as const,
  );
  return new Map(sums.filter(([, sum]) => sum !== 0n));
};

export const isEqual = (
  one: ReadonlyMap<string, bigint>,
  other: ReadonlyMap<string, bigint>,
): boolean => one.size === other.size && [...one].every(([asset, sum]) => other.get(asset) === sum);
