import type { AccountId } from '../../protocol/account-id.ts';
import { withoutUndefined } from '../../core/without-undefined.ts';
import { factsIf } from '../../protocol/log/facts.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { type AdminClient, openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import { isRefusal, usageError } from '../lib/errors.ts';
import { listOptions, type ListRequest, listRequest, printList } from '../lib/list.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import { dollars, inAsset, shortTime } from '../lib/units.ts';
import { callsOf, type Item, ownTree, type Query, STATES } from './calls-of.ts';
import { type DenialFilter, type DenialItem, newestDenials } from './denials.ts';

export const list: Command = {
  summary: 'list calls, newest first: of your agents, or as operator of all',
  options: [
    { flags: '--tool <tool>', summary: 'only calls of this tool' },
    { flags: '--outcome, --state <state>', summary: 'only calls in this state', choices: STATES },
    { flags: '--failed', summary: 'only calls that failed or got no answer' },
    { flags: '--denied', summary: 'denied calls instead: which rule, and how often' },
    { flags: '--rule <rule>', summary: 'only calls that this rule denied, e.g. per_call' },
    ...listOptions('calls'),
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign calls list --from today',
    'countersign calls list --account team/alice --state committed',
    'countersign calls list --as treasury --failed --since 7d',
    'countersign calls list --denied --agent team/alice --since yesterday',
    'countersign calls list --rule window --since 7d',
  ],
  run: async (session, input) => {
    const admin = await openAdmin(session, 'operator');
    const request = await listRequest(admin, input);
    const state = STATES.find((each) => each === input.text('state'));
    const facts = withoutUndefined({ tool: input.text('tool') });
    const names = await namesOf(session);
    const isFailed = input.flag('failed');
    const rule = input.text('rule');
    if (isFailed && state !== undefined)
      throw usageError(
        '--failed and --state exclude each other.',
        'Give --failed for calls whose tool failed, or --state for one state.',
      );
    if (input.flag('denied') || rule !== undefined) {
      if (isFailed || state !== undefined)
        throw usageError('A denied call has no state.', 'Leave --failed and --state out.');
      await printDenials(admin, request, { ...facts, ...withoutUndefined({ rule }) }, names);
      return;
    }
    const query: Query = {
      ...request.query,
      ...facts,
      ...withoutUndefined({ state: isFailed ? ('failed' as const) : state }),
    };
    await printList(admin, request, (onPage) => callsOf(admin, request, query, onPage), {
      member: 'calls',
      none: 'No call matches.',
      table: (items) => tableOf(session.out, items, names),
    });
  },
};

/** Only the logs of accounts have denials: a stranger's denied calls must not fill a table. */
const printDenials = async (
  admin: AdminClient,
  { account, most, query: { from, to } }: ListRequest,
  facts: Pick<DenialFilter, 'tool' | 'rule'>,
  names: Names,
): Promise<void> => {
  const { out, progress } = admin.session;
  const denials = await progress.during('reading logs', async () =>
    newestDenials(
      admin,
      account === undefined ? await everyAccount(admin) : [account],
      { ...facts, ...withoutUndefined({ from, to }) },
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
      const { amounts, payment } = factsIf(each, 'call.denied') ?? {};
      return [
        shortTime(each.at),
        names.of(each.account),
        each.tool ?? '',
        inAsset(amounts?.price, payment?.asset),
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
