import type { ItemOf } from '../../management/routes.ts';
import { REORG_MARGIN } from '../../settlement/chain/expected-transfer.ts';
import { namesOf } from '../lib/accounts.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import type { Output } from '../lib/output.ts';
import { listed, sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { dollars, shortTime } from '../lib/units.ts';

const MAX_ITEMS = 1000;

type Run = ItemOf<'reconciliations.list'>;
type Difference = ItemOf<'differences.list'>;

export const reconcile: Command = {
  summary: 'show where the ledger and the chain differ',
  options: [
    { flags: '--all', summary: 'also list resolved differences' },
    { flags: '-n, --limit <number>', summary: 'at most this many reconciliations (default: 10)' },
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements reconcile', 'countersign settlements reconcile --all -n 50'],
  run: async (session, input) => {
    const { out } = session;
    const most = input.number('limit', 1, MAX_ITEMS) ?? 10;
    const admin = await openAdmin(session, 'operator');
    const query = { limit: Math.min(most, 500) };
    const runs = await collected(admin, admin.list('reconciliations.list', { query }), most);
    const state = input.flag('all') ? 'all' : 'open';
    const differences = await collected(
      admin,
      admin.list('differences.list', { query: { state } }),
      MAX_ITEMS,
    );
    const names = await namesOf(session);
    out.result({ reconciliations: runs, differences }, () =>
      // No run has compared anything yet, so an empty list of differences means nothing.
      runs.length + differences.length === 0
        ? runsText(out, runs)
        : [runsText(out, runs), '', differencesText(out, differences, names.of)].join('\n'),
    );
  },
};

export const runsText = (out: Output, runs: readonly Run[]): string =>
  runs.length === 0
    ? sentence(
        out,
        `No reconciliation yet: the gateway runs one every 15 minutes, over blocks that are ${REORG_MARGIN} blocks deep. A local chain that is shorter has none.`,
      )
    : listed(
        out,
        [
          { title: 'WHEN' },
          { title: 'NETWORK' },
          { title: 'BLOCKS' },
          { title: 'CHAIN', align: 'right' },
          { title: 'LEDGER', align: 'right' },
          { title: 'STATE' },
        ],
        runs.map(({ at, network, from_block: from, to_block: to, chain, ledger, state, kind }) => [
          shortTime(at),
          network,
          `${from}-${to}`,
          `${dollars(chain.amount)} (${chain.payments})`,
          `${dollars(ledger.amount)} (${ledger.payments})`,
          kind === 'again' ? `${state}, again` : state,
        ]),
        (text, column, row) =>
          column === 5 && runs[row]?.state === 'stopped' ? out.style.warn(text) : text,
      );

export const differencesText = (
  out: Output,
  differences: readonly Difference[],
  nameOf: (account: Difference['account']) => string,
): string => {
  if (differences.length === 0) return `${out.style.good('none')}  ledger and chain agree`;
  const serious = differences.filter(isSerious).length;
  return [
    listed(
      out,
      [
        { title: 'SINCE' },
        { title: 'KIND' },
        { title: 'ACCOUNT', cut: 'middle' },
        { title: 'CHAIN', align: 'right' },
        { title: 'LEDGER', align: 'right' },
        { title: 'BLOCK', align: 'right' },
        { title: 'CALL', cut: 'middle' },
      ],
      differences.map((each) => [
        shortTime(each.first_at),
        each.resolved_at === undefined ? each.kind : `${each.kind}, resolved`,
        nameOf(each.account),
        each.amount === undefined ? 'nothing' : dollars(each.amount),
        ledgerText(each.ledger),
        String(each.block),
        each.call ?? each.transaction ?? '',
      ]),
      (text, column, row) => {
        const each = differences[row];
        return column === 1 && each !== undefined && isSerious(each) ? out.style.bad(text) : text;
      },
    ),
    out.style.dim(
      sentence(
        out,
        `${counted(differences.length, 'difference')}; an operator must check ${serious}`,
      ),
    ),
  ].join('\n');
};

const isSerious = ({ informational, resolved_at: resolved }: Difference): boolean =>
  !informational && resolved === undefined;

const ledgerText = ({ state, amount }: Difference['ledger']): string =>
  amount === undefined ? state : `${state} ${dollars(amount)}`;
