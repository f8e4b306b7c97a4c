import type { PageInfo } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type Names, namesOf, treeBelow } from '../lib/accounts.ts';
import { type AdminClient, openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import { isRefusal, usageError } from '../lib/errors.ts';
import { listOptions, type ListRequest, listRequest, printList } from '../lib/list.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import { dollars, inAsset, shortTime } from '../lib/units.ts';
import { type DenialItem, newestDenials } from './denials.ts';

const STATES = ['held', 'committed', 'released', 'abandoned'] as const;

type Item = ItemOf<'calls.list'>;

export const list: Command = {
  summary: 'list calls, newest first: of your agents, or as operator of all',
  options: [
    { flags: '--tool <tool>', summary: 'only calls of this tool' },
    { flags: '--outcome, --state <state>', summary: 'only calls in this state', choices: STATES },
    { flags: '--failed', summary: 'only calls that failed or got no answer' },
    { flags: '--denied', summary: 'denied calls instead: which rule, and how often' },
    ...listOptions('calls'),
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign calls list --from today',
    'countersign calls list --account team/alice --state committed',
    'countersign calls list --as treasury --failed --since 7d',
    'countersign calls list --denied --agent team/alice --since yesterday',
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
    const isFailed = input.flag('failed');
    if (isFailed && state !== undefined)
      throw usageError(
        '--failed and --state exclude each other.',
        'Give --failed for calls whose tool failed, or --state for one state.',
      );
    if (input.flag('denied')) {
      if (isFailed || state !== undefined)
        throw usageError('A denied call has no state.', 'Leave --failed and --state out.');
      await printDenials(admin, request, tool, names);
      return;
    }
    const wanted = (item: Item): boolean =>
      !isFailed || item.state === 'released' || item.state === 'abandoned';
    await printList(admin, request, (onPage) => callsOf(admin, request, query, wanted, onPage), {
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
  wanted: (item: Item) => boolean,
  onPage: (page: PageInfo) => void,
): AsyncGenerator<Item> {
  const callsOfAccount = (each: AccountId) =>
    only(admin.list('account.calls', { params: { account: each }, query, onPage }), wanted);
  if (account !== undefined) {
    yield* callsOfAccount(account);
    return;
  }
  try {
    yield* only(admin.list('calls.list', { query, onPage }), wanted);
  } catch (thrown) {
    // Nothing was listed so far: the gateway refuses the first page.
    if (!isRefusal(thrown, 'forbidden')) throw thrown;
    const found: Item[] = [];
    for (const each of await ownTree(admin)) {
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

async function* only(
  items: AsyncGenerator<Item>,
  wanted: (item: Item) => boolean,
): AsyncGenerator<Item> {
  for await (const item of items) if (wanted(item)) yield item;
}

/** The signer's own account and those below it; none before its first payment or grant. */
const ownTree = async (admin: AdminClient): Promise<ReadonlySet<AccountId>> => {
  const own = await admin.own();
  const tree = await treeBelow(admin, own).catch((unknown: unknown) => {
    if (isRefusal(unknown, 'unknown_account')) return undefined;
    throw unknown;
  });
  if (tree === undefined) return new Set();
  const readable = tree.filter(({ standing }) => standing !== undefined);
  return new Set([own, ...readable.map(({ account }) => account as AccountId)]);
};

/** Denials are in the logs of the accounts alone: a stranger's denied calls must not fill a table. */
const printDenials = async (
  admin: AdminClient,
  { account, most, query: { from, to } }: ListRequest,
  tool: string | undefined,
  names: Names,
): Promise<void> => {
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const { out, progress } = admin.session;
  const denials = await progress.during('reading logs', async () =>
    newestDenials(
      admin,
      account === undefined ? await everyAccount(admin) : [account],
      { ...range, tool },
      most,
    ),
  );
  out.result({ denials }, () =>
    denials.length === 0 ? 'No denial matches.' : denialsTable(out, denials, names),
  );
};

/** All accounts for an operator, and for an owner its tree. */
const everyAccount = async (admin: AdminClient): Promise<Iterable<AccountId>> => {
  const found: AccountId[] = [];
  try {
    for await (const { account } of admin.list('accounts.list', { query: { limit: 500 } }))
      found.push(account as AccountId);
    return found;
  } catch (thrown) {
    if (!isRefusal(thrown, 'forbidden')) throw thrown;
    return await ownTree(admin);
  }
};

const denialsTable = (out: Output, denials: readonly DenialItem[], names: Names): string =>
  listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'PRICE', align: 'right' },
      { title: 'RULE' },
      { title: 'TIMES', align: 'right' },
      { title: 'CALL', cut: 'middle' },
    ],
    denials.map((each) => {
      const asset = each.payment?.['asset'];
      return [
        shortTime(each.at),
        names.of(each.account),
        each.tool ?? '',
        inAsset(each.amounts?.['price'], typeof asset === 'string' ? asset : undefined),
        each.rule ?? '',
        String(each.count ?? 1),
        each.call ?? '',
      ];
    }),
  );

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
