import { formatEther } from 'ox/Value';
import { lasting } from '../../core/lasting.ts';
import type { ItemOf } from '../../management/routes.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import { listed, proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted, fields } from '../lib/text.ts';
import { shortTime } from '../lib/units.ts';

type Backend = ItemOf<'backends'>;
type Relayer = ItemOf<'relayers'>;

export const backends: Command = {
  summary: 'show the health of facilitators and relayers, and their gas',
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements backends'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const backends = await collected(admin, admin.list('backends'));
    const relayers = await collected(admin, admin.list('relayers'));
    out.result({ backends, relayers }, () =>
      [
        backends.length === 0
          ? out.style.dim('The gateway has called no backend yet.')
          : backendTable(session, backends),
        ...relayers.map((relayer) => relayerText(session, relayer)),
      ].join('\n\n'),
    );
  },
};

/** People read an "open" circuit as healthy: print what the gateway does with the backend instead. */
const STATES = { closed: 'in use', open: 'not used', half_open: 'on trial' } as const;

const backendTable = ({ out }: Session, backends: readonly Backend[]): string =>
  listed(
    out,
    [
      { title: 'NETWORK' },
      { title: 'BACKEND', cut: 'end' },
      { title: 'STATE' },
      { title: 'OK', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'LAST ERROR', cut: 'end' },
      { title: 'WHEN' },
    ],
    backends.map((each) => [
      each.network,
      each.backend,
      STATES[each.state],
      String(each.succeeded),
      String(each.failed),
      each.last_error ?? '',
      shortTime(each.last_error_at),
    ]),
    (text, column, row) =>
      column === 2
        ? (backends[row]?.state === 'closed' ? out.style.good : out.style.bad)(text)
        : text,
  );

const relayerText = ({ out, now }: Session, relayer: Relayer): string => {
  const { network, state, waiting = 0, flights = [], totals, last_error: error } = relayer;
  if (state !== 'ready')
    return fields(
      [[`relayer ${network}`, `${state}, ${relayer.address}`]],
      out.style.dim,
      proseWidth(out),
    );
  const { oldest_at: oldest, balance, covers } = relayer;
  const underWay = flights.reduce((sum, { payments }) => sum + payments, 0);
  return fields(
    [
      [`relayer ${network}`, relayer.address],
      ['  balance', balance === undefined ? 'not read yet' : inCoin(balance)],
      ['  pays for', covers === undefined ? undefined : counted(covers, 'payment')],
      [
        '  waiting',
        `${counted(waiting, 'payment')}${oldest === undefined ? '' : `, the oldest for ${lasting(now() - oldest)}`}`,
      ],
      ['  under way', `${counted(flights.length, 'transaction')}, ${counted(underWay, 'payment')}`],
      [
        '  so far',
        totals === undefined
          ? undefined
          : `${counted(totals.payments, 'payment')} in ${counted(totals.transactions, 'transaction')}, ${totals.replaced} replaced, fees ${inCoin(totals.fees)}`,
      ],
      ['  last error', error === undefined ? undefined : `${error.text}, ${shortTime(error.at)}`],
    ],
    out.style.dim,
    proseWidth(out),
  );
};

/** Networks name their coins differently, e.g. ETH or POL, and the gateway does not know the names. */
const inCoin = (wei: string): string => `${coins(wei)} of the chain's coin`;

/** Wei in the chain's coin, cut to six decimals: `0.012345`. */
export const coins = (wei: string): string => {
  const [whole = '0', decimals = ''] = formatEther(BigInt(wei)).split('.');
  const fraction = decimals.slice(0, 6).replace(/0+$/, '');
  if (fraction !== '') return `${whole}.${fraction}`;
  return whole === '0' && BigInt(wei) > 0n ? 'under 0.000001' : whole;
};
