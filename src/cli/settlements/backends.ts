import type { ItemOf } from '../../management/types.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { listed, roomOf } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';
import { counted, lasting } from '../lib/text.ts';

type Backend = ItemOf<'backends'>;
type Relayer = ItemOf<'relayers'>;

/** `settlements backends`: who presents payments, how each does, and what our own keys still have. */
export const showBackends = async (session: Session): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const backends = await collected(admin, admin.list('backends'));
  const relayers = await collected(admin, admin.list('relayers'));
  out.result({ backends, relayers }, () =>
    [
      backends.length === 0
        ? out.style.dim('No backend has been asked yet.')
        : tableOf(session, backends),
      ...relayers.map((relayer) => blockOf(session, relayer)),
    ].join('\n\n'),
  );
};

const tableOf = ({ out }: Session, backends: readonly Backend[]): string =>
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

/** In words: an open circuit sounds as if all were well. */
const STATES = { closed: 'asked', open: 'not asked', half_open: 'on trial' } as const;

const blockOf = (session: Session, relayer: Relayer): string => {
  const { out } = session;
  const { network, state, waiting = 0, flights = [], totals, last_error: error } = relayer;
  if (state !== 'ready') {
    return fields([[`relayer ${network}`, state]], out.style.dim, roomOf(out));
  }
  const oldest = relayer.oldest_at;
  return fields(
    [
      [`relayer ${network}`, relayer.address],
      ['  balance', relayer.balance === undefined ? 'not read yet' : coins(relayer.balance)],
      ['  pays for', relayer.covers === undefined ? undefined : counted(relayer.covers, 'payment')],
      [
        '  waiting',
        `${counted(waiting, 'payment')}${oldest === undefined ? '' : `, the oldest for ${lasting(session.now() - oldest)}`}`,
      ],
      [
        '  under way',
        `${counted(flights.length, 'transaction')}, ${counted(
          flights.reduce((sum, { payments }) => sum + payments, 0),
          'payment',
        )}`,
      ],
      [
        '  so far',
        totals === undefined
          ? undefined
          : `${counted(totals.payments, 'payment')} in ${counted(totals.transactions, 'transaction')}, ${totals.replaced} replaced, ${coins(totals.fees)}`,
      ],
      ['  last error', error === undefined ? undefined : `${error.text}, ${shortTime(error.at)}`],
    ],
    out.style.dim,
    roomOf(out),
  );
};

const WEI_DIGITS = 18;

/** Wei as coins of the chain, to six decimals: `0.012345`. */
export const coins = (wei: string): string => {
  const digits = wei.padStart(WEI_DIGITS + 1, '0');
  const whole = digits.slice(0, -WEI_DIGITS);
  const fraction = digits.slice(-WEI_DIGITS, 6 - WEI_DIGITS).replace(/0+$/, '');
  if (fraction !== '') return `${whole}.${fraction}`;
  return whole === '0' && BigInt(wei) > 0n ? 'under 0.000001' : whole;
};
