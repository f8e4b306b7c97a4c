import type { PageInfo } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type Names, namesOf, treeBelow } from '../lib/accounts.ts';
import { type AdminClient, openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import { isRefusal } from '../lib/errors.ts';
import { listOptions, type ListRequest, listRequest, printList } from '../lib/list.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import { dollars, inAsset, shortTime } from '../lib/units.ts';

const STATES = ['held', 'committed', 'released', 'abandoned'] as const;

type Item = ItemOf<'calls.list'>;

export const list: Command = {
  summary: 'list calls, newest first: of your agents, or as operator of all',
  options: [
    { flags: '--tool <tool>', summary: 'only calls of this tool' },
    { flags: '--state <state>', summary: 'only calls in this state', choices: STATES },
    ...listOptions('calls'),
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign calls list --from today',
    'countersign calls list --account team/alice --state committed',
    'countersign calls list --as treasury --from 7d',
  ],
  run: async (session, input) => {
    const admin = await openAdmin(session, 'operator');
    const request = await listRequest(admin, input);
    const state = STATES.find((each) => each === input.text('state'));
    const tool = input.text('tool');
    const query: Query = {
      ...request.query,
      ...(state === undefined ? {} : { state }),
      ...(tool === undefined ? {} : { tool }),
    };
    const names = await namesOf(session);
    await printList(admin, request, (onPage) => callsOf(admin, request, query, onPage), {
      member: 'calls',
      none: 'No call matches.',
      table: (items) => tableOf(session.out, items, names),
    });
  },
};

type Query = ListRequest['query'] & {
  readonly state?: (typeof STATES)[number];
  readonly tool?: string;
};

/** The calls of the account that the options name; else all calls for an operator, and for an owner those of its tree. */
async function* callsOf(
  admin: AdminClient,
  { account, most }: ListRequest,
  query: Query,
  onPage: (page: PageInfo) => void,
): AsyncGenerator<Item> {
  const callsOfAccount = (each: AccountId) =>
    admin.list('account.calls', { params: { account: each }, query, onPage });
  if (account !== undefined) {
    yield* callsOfAccount(account);
    return;
  }
  try {
    yield* admin.list('calls.list', { query, onPage });
  } catch (thrown) {
    // Nothing was listed so far: the gateway refuses the first page.
    if (!isRefusal(thrown, 'forbidden')) throw thrown;
    const own = await admin.own();
    const tree = await treeBelow(admin, own).catch((unknown: unknown) => {
      if (isRefusal(unknown, 'unknown_account')) return undefined;
      throw unknown;
    });
    // Before its first payment or grant an owner has no account, and no calls.
    if (tree === undefined) return;
    const readable = tree.filter(({ standing }) => standing !== undefined);
    const found: Item[] = [];
    for (const each of new Set([own, ...readable.map((node) => node.account)])) {
      let count = 0;
      for await (const item of callsOfAccount(each)) {
        found.push(item);
        count += 1;
        if (count >= most) break;
      }
    }
    yield* found.toSorted((one, other) => (other.accepted_at ?? 0) - (one.accepted_at ?? 0));
  }
}

/** Refunds are rare: their column is there only if some call has one. */
const tableOf = (out: Output, items: readonly Item[], names: Names): string => {
  const someRefunded = items.some(({ refunded }) => refunded !== undefined);
  return listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'CHARGED', align: 'right' },
      ...(someRefunded ? ([{ title: 'REFUNDED', align: 'right' }] as const) : []),
      { title: 'STATE' },
      { title: 'CALL', cut: 'middle' },
    ],
    items.map((item) => [
      shortTime(item.accepted_at),
      names.of(item.account),
      item.tool ?? '',
      inAsset(item.charged, item.asset),
      ...(someRefunded ? [dollars(item.refunded)] : []),
      item.state,
      item.call,
    ]),
  );
};
