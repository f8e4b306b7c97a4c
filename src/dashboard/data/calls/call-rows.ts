import type { ItemOf, Management, RequestOf } from '../../../client/management.ts';
import { periodOf, secondsOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { allOf, firstRows, type Rows } from '../reading/list.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import type { SpendRow } from '../money/spending.ts';
import { addSums, type Sums, sumsOf } from '../money/sums.ts';

export type CallFilters = {
  readonly account?: string | undefined;
  readonly tool?: string | undefined;
  readonly state?: 'held' | 'committed' | 'released' | 'abandoned' | 'failed' | undefined;
  /** UTC days of the end, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
};

export type CallRow = ItemOf<'calls.list'>;
export type ChangeRow = ItemOf<'changes.list'>;

/** Calls; with days also the changes of charges on these days, and the total of both. */
export type CallRows = {
  readonly calls: Rows<CallRow>;
  readonly changes?: Rows<ChangeRow>;
  readonly total?: readonly SpendRow[];
};

/** The number of days in a list for which a person chose no first day. */
const DAYS = 30;

/** Reads calls, newest first: of an account, or without one, as an operator, of all. */
export const readCallRows = async (
  management: Management,
  { account, tool, state, from, to }: CallFilters,
  most: number,
  signal: AbortSignal,
): Promise<CallRows> => {
  const narrow = tool === undefined ? {} : { tool };
  const isDated = from !== undefined || to !== undefined;
  const period = periodOf({ from, to }, dayOf(gatewayNow()), DAYS);
  const [start, end] = secondsOf(period);
  const query = {
    ...narrow,
    ...(state === undefined ? {} : { state }),
    ...(isDated ? { endedFrom: start, endedTo: end } : {}),
  };
  const calls =
    account === undefined
      ? await firstRows(management, 'calls.list', { query }, most, signal)
      : await firstRows(management, 'account.calls', { params: { account }, query }, most, signal);
  if (!isDated) return { calls };
  // A later change has no outcome.
  const changes =
    state === undefined
      ? await readChanges(management, account, { ...narrow, from: start, to: end }, most, signal)
      : undefined;
  const spent = { ...narrow, ...period, by: 'day', limit: 500 } as const;
  const total = await allOf(
    account === undefined
      ? management.list('spend', { query: spent, signal })
      : management.list('account.spend', {
          params: { account },
          query: { ...spent, account },
          signal,
        }),
  );
  return { calls, ...(changes === undefined ? {} : { changes }), total };
};

const readChanges = async (
  management: Management,
  account: string | undefined,
  query: NonNullable<RequestOf<'changes.list'>['query']>,
  most: number,
  signal: AbortSignal,
): Promise<Rows<ChangeRow>> =>
  account === undefined
    ? firstRows(management, 'changes.list', { query }, most, signal)
    : firstRows(management, 'account.changes', { params: { account }, query }, most, signal);

/** The sum of the calls. */
export const sumOfCalls = ({ calls }: CallRows): Sums =>
  sumsOf(calls.items, ({ spent = '0' }) => spent);

/** The sum of later decisions about charges. */
export const sumOfChanges = ({ changes }: CallRows): Sums =>
  sumsOf(changes?.items ?? [], ({ amount }) => amount);

/** The sum of all rows. */
export const sumOfCallRows = (read: CallRows): Sums =>
  addSums(sumOfCalls(read), sumOfChanges(read));

/** The total of the ledger. */
export const sumOfTotal = (total: readonly SpendRow[]): Sums =>
  sumsOf(total, ({ charged }) => charged);
