import type { Input } from '../lib/command.ts';
import { dollars } from '../lib/amounts.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { listed, sentence } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import { namesOf } from '../lib/account-names.ts';
import type { ItemOf } from '../../management/types.ts';
import type { Session } from '../lib/session.ts';

import { counted } from '../lib/text.ts';

const MOST = 1000;

type Output = Session['out'];
type RunItem = ItemOf<'reconciliations.list'>;
type DifferenceItem = ItemOf<'differences.list'>;

/** `settlements reconcile`: what was compared with the chain, and what is not as the ledger has it. */
export const listReconciled = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const most = input.number('limit', 1, MOST) ?? 10;
  const admin = await openAdmin(session, 'operator');
  const query = { limit: Math.min(most, 500) };
  const runs = await collected(admin, admin.list('reconciliations.list', { query }), most);
  const differences = await collected(
    admin,
    admin.list('differences.list', { query: { state: input.flag('all') ? 'all' : 'open' } }),
    MOST,
  );
  const names = await namesOf(session);
  out.result({ reconciliations: runs, differences }, () =>
    [runsText(out, runs), '', differencesText(out, differences, names.of)].join('\n'),
  );
};

export const runsText = (out: Output, runs: readonly RunItem[]): string =>
  runs.length === 0
    ? sentence(out, 'Nothing was compared yet: the gateway does it every 15 minutes.')
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
  differences: readonly DifferenceItem[],
  nameOf: (account: DifferenceItem['account']) => string,
): string => {
  if (differences.length === 0) return `${out.style.good('none')}  ledger and chain agree`;
  const grave = differences.filter(isGrave).length;
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
        return column === 1 && each !== undefined && isGrave(each) ? out.style.bad(text) : text;
      },
    ),
    out.style.dim(
      sentence(
        out,
        `${counted(differences.length, 'difference')}, ${grave} of which somebody should look at`,
      ),
    ),
  ].join('\n');
};

const isGrave = ({ informational, resolved_at: resolved }: DifferenceItem): boolean =>
  !informational && resolved === undefined;

const ledgerText = ({ state, amount }: DifferenceItem['ledger']): string =>
  amount === undefined ? state : `${state} ${dollars(amount)}`;
