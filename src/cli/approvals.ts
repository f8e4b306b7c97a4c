import { lasting } from '../core/lasting.ts';
import type { ItemOf } from '../management/routes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { PageInfo } from '../client/management.ts';
import { decideCommand, WAITING } from './approvals/decide.ts';
import { show } from './approvals/show.ts';
import { accountNamed, type Names, namesOf } from './lib/accounts.ts';
import { type AdminClient, datedList, openAdmin } from './lib/admin-client.ts';
import type { Command, CommandGroup } from './lib/command.ts';
import { isRefusal } from './lib/errors.ts';
import type { Output } from './lib/output.ts';
import { asOfLine, listed } from './lib/print.ts';
import { dollars } from './lib/units.ts';

const STATES = ['waiting', 'approved', 'refused', 'expired', 'used'] as const;
const MAX_ITEMS = 1000;

type Item = ItemOf<'approvals.list'>;

const list: Command = {
  summary: 'list calls that wait for a person, oldest first: of your agents, or as operator of all',
  options: [
    {
      flags: '--state <state>',
      summary: 'only calls in this state (default: waiting)',
      choices: STATES,
    },
    { flags: '--account <account>', summary: 'only calls of this account and its descendants' },
    { flags: '-n, --limit <number>', summary: 'at most this many (default: 50)' },
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign approvals list', 'countersign approvals list --state refused'],
  run: async (session, input) => {
    const { out, now } = session;
    const admin = await openAdmin(session, 'operator');
    const state = STATES.find((each) => each === input.text('state')) ?? 'waiting';
    const most = input.number('limit', 1, MAX_ITEMS) ?? 50;
    const named = input.text('account');
    const account = named === undefined ? undefined : await accountNamed(admin, named);
    const query = { limit: Math.min(most, 500), state };
    const names = await namesOf(session);
    const { items, asOf } = await datedList(
      admin,
      (onPage) => approvalsOf(admin, account, query, onPage),
      most,
    );
    out.result({ approvals: items, as_of: asOf }, () =>
      [
        items.length === 0 ? noneText(state) : tableOf(out, items, names, now()),
        asOfLine(out, asOf, now()),
        ...(state === 'waiting' && items.length > 0
          ? [
              out.style.dim(
                '`countersign approvals approve <account> <call>` lets a call run once.',
              ),
            ]
          : []),
      ].join('\n'),
    );
  },
};

/** The calls of the named account's tree; by default an operator gets all calls, and an owner those of its own tree. */
async function* approvalsOf(
  admin: AdminClient,
  account: AccountId | undefined,
  query: { readonly limit: number; readonly state: Item['state'] },
  onPage: (page: PageInfo) => void,
): AsyncGenerator<Item> {
  const ofTree = (root: AccountId) =>
    admin.list('account.approvals', { params: { account: root }, query, onPage });
  if (account !== undefined) {
    yield* ofTree(account);
    return;
  }
  try {
    yield* admin.list('approvals.list', { query, onPage });
  } catch (thrown) {
    // The gateway refused the first page, so nothing was listed yet.
    if (!isRefusal(thrown, 'forbidden')) throw thrown;
    yield* ofTree(await admin.own());
  }
}

const noneText = (state: Item['state']): string =>
  state === 'waiting' ? 'No call waits for an approval.' : 'No call matches.';

const tableOf = (out: Output, items: readonly Item[], names: Names, now: number): string =>
  listed(
    out,
    [
      { title: 'AGE', align: 'right' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'ABOVE', align: 'right' },
      { title: 'ENDS IN', align: 'right' },
      { title: 'CALL', cut: 'middle' },
    ],
    items.map((item) => [
      lasting(Math.max(0, now - item.parked_at)),
      names.of(item.account),
      item.tool,
      dollars(item.price),
      dollars(item.above),
      item.state === 'waiting' || item.state === 'approved'
        ? lasting(Math.max(0, item.expires_at - now))
        : item.state,
      item.call,
    ]),
  );

const approve: Command = decideCommand({
  summary: 'approve a call that waits: its caller may run it, once',
  decision: 'approve',
  done: 'approved; the caller may run it once with its retry key',
});

const refuse: Command = decideCommand({
  summary: 'refuse a call that waits, or that was approved and has not run: releases its amount',
  decision: 'refuse',
  done: 'refused; its amount is released',
});

export const group: CommandGroup = {
  examples: [
    'countersign approvals list',
    `countersign approvals approve ${WAITING}`,
    `countersign approvals refuse ${WAITING} --reason 'too expensive'`,
  ],
  commands: { list, show, approve, refuse },
};
