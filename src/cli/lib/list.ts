import type { AccountId } from '../../protocol/account-id.ts';
import type { PageInfo } from '../../client/management.ts';
import { accountNamed } from './accounts.ts';
import { type AdminClient, datedList } from './admin-client.ts';
import type { OptionSpec } from './command.ts';
import type { Input } from './input.ts';
import { asOfLine } from './print.ts';
import type { Session } from './session.ts';
import { timeRange, timeRangeIn } from './time.ts';

const MAX_ITEMS = 1000;
const PAGE = 500;

/** Options of a list of calls or payments, newest first. */
export const listOptions = (what: 'calls' | 'payments'): readonly OptionSpec[] => [
  { flags: '--agent, --account <account>', summary: `only ${what} of this account` },
  ...timeRange('the first'),
  { flags: '-n, --limit <number>', summary: 'at most this many (default: 50)' },
];

/** The query that the options of a list describe. */
export type ListRequest = {
  readonly account: AccountId | undefined;
  readonly most: number;
  readonly query: { readonly limit: number; readonly from?: number; readonly to?: number };
};

/** @throws CliError */
export const listRequest = async (admin: AdminClient, input: Input): Promise<ListRequest> => {
  const most = input.number('limit', 1, MAX_ITEMS) ?? 50;
  const range = timeRangeIn(input, admin.session.now());
  const named = input.text('account');
  const account = named === undefined ? undefined : await accountNamed(admin, named);
  return { account, most, query: { limit: Math.min(most, PAGE), ...range } };
};

/** Prints a list with its age, or that nothing matches. */
export const printList = async <T>(
  admin: AdminClient,
  { most }: ListRequest,
  open: (onPage: (page: PageInfo) => void) => AsyncGenerator<T>,
  print: {
    readonly member: string;
    readonly none: string;
    readonly table: (items: readonly T[]) => string;
  },
): Promise<void> => {
  const { out, now }: Session = admin.session;
  const { items, asOf } = await datedList(admin, open, most);
  out.result({ [print.member]: items, as_of: asOf }, () =>
    [items.length === 0 ? print.none : print.table(items), asOfLine(out, asOf, now())].join('\n'),
  );
};
