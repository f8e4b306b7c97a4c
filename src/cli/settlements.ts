import { lasting } from '../core/lasting.ts';
import type { ItemOf } from '../management/routes.ts';
import { accountNamed, type Names, namesOf } from './lib/accounts.ts';
import { datedList, openAdmin } from './lib/admin-client.ts';
import { writePages } from './lib/atomic-file.ts';
import type { Command, CommandGroup } from './lib/command.ts';
import { CliError, isRefusal } from './lib/errors.ts';
import { callNamed } from './lib/call-id.ts';
import type { Output, Style } from './lib/output.ts';
import { listOptions, listRequest, printList } from './lib/list.ts';
import { listed, proseWidth } from './lib/print.ts';
import { counted, fields, printable } from './lib/text.ts';
import { dayRange, dayRangeIn } from './lib/time.ts';
import { dollars, isoTime, shortTime } from './lib/units.ts';
import { backends } from './settlements/backends.ts';
import { reconcile } from './settlements/reconcile.ts';
import { CALL, letters, PAYER, redrive, resend, resolve, writeOff } from './settlements/repair.ts';

const STATES = ['open', 'kept', 'settled', 'failed', 'released'] as const;

const list: Command = {
  summary: 'list payments, newest first',
  options: [
    { flags: '--state <state>', summary: 'only payments in this state', choices: STATES },
    ...listOptions('payments'),
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements list', 'countersign settlements list --state open --from 7d'],
  run: async (session, input) => {
    const admin = await openAdmin(session, 'operator');
    const state = STATES.find((each) => each === input.text('state'));
    const request = await listRequest(admin, input);
    const { account } = request;
    const query = {
      ...request.query,
      ...(state === undefined ? {} : { state }),
      ...(account === undefined ? {} : { account }),
    };
    const names = await namesOf(session);
    await printList(admin, request, (onPage) => admin.list('settlements.list', { query, onPage }), {
      member: 'settlements',
      none: 'No payment matches.',
      table: (items) => tableOf(session.out, items, names),
    });
  },
};

/** Age, attempts, backend and error exist only for payments that still wait, so show these columns only if there are some. */
const tableOf = (
  out: Output,
  items: readonly ItemOf<'settlements.list'>[],
  names: Names,
): string => {
  const someWait = items.some(({ age }) => age !== undefined);
  return listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'STATE' },
      ...(someWait
        ? ([
            { title: 'AGE', align: 'right' },
            { title: 'TRIES', align: 'right' },
            { title: 'BACKEND', cut: 'end' },
            { title: 'LAST ERROR', cut: 'end' },
          ] as const)
        : []),
      { title: 'CALL', cut: 'middle' },
    ],
    items.map((item) => [
      shortTime(item.at),
      names.of(item.account),
      item.tool ?? '',
      dollars(item.amount),
      item.state,
      ...(someWait
        ? [
            item.age === undefined ? '' : lasting(item.age),
            item.attempts?.toString() ?? '',
            item.backend ?? '',
            item.last_error ?? '',
          ]
        : []),
      item.call,
    ]),
    (text, column, row) => (column === 4 ? stateStyle(out.style, items[row]?.state)(text) : text),
  );
};

const stateStyle = (style: Style, state: string | undefined): Style['good'] => {
  if (state === 'settled') return style.good;
  if (state === 'open' || state === 'kept') return style.warn;
  return state === 'failed' ? style.bad : style.dim;
};

const show: Command = {
  summary: 'show one payment: state, errors, log entries',
  arguments: [PAYER, CALL],
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements show team/alice 0x5b36c908…b956'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const call = await callNamed(admin, account, input.arguments[1]);
    const { body } = await admin
      .call('settlements.get', { params: { account, call } })
      .catch((thrown: unknown) => {
        if (!isRefusal(thrown, 'unknown_document')) throw thrown;
        throw new CliError('This call has no payment: it was free, or paid from credit.', {
          hint: '`countersign calls show` with the same arguments shows the call.',
          code: 'unknown_document',
        });
      });
    const { settlement, entries, complete, attempts, dead_letters: letters = [] } = body;
    const { credited, age, last_error: error, last_error_at: failedAt } = settlement;
    out.result(body, () =>
      [
        fields(
          [
            ['account', settlement.account],
            ['call', settlement.call],
            ['state', settlement.state],
            ['amount', dollars(settlement.amount)],
            ['tool', settlement.tool],
            ['credited', credited === undefined ? undefined : dollars(credited)],
            ['age', age === undefined ? undefined : lasting(age)],
            ['tries', settlement.attempts?.toString()],
            ['backend', settlement.backend],
            ['last error', error === undefined ? undefined : `${error}, ${shortTime(failedAt)}`],
            ['in', settlement.transaction],
            ['fault', settlement.fault],
            ['reason', settlement.reason],
          ],
          out.style.dim,
          proseWidth(out),
        ),
        '',
        ...entries.map(
          ({ at, type, decision }) =>
            `${out.style.dim(isoTime(at))}  ${type}${decision === undefined ? '' : `, ${decision}`}`,
        ),
        ...attempts
          .toReversed()
          .map(
            ({ at, attempt, backend, error }) =>
              `${out.style.dim(isoTime(at))}  attempt ${attempt}${backend === undefined ? '' : ` by ${printable(backend)}`}${error === undefined ? '' : `, ${out.style.warn(printable(error))}`}`,
          ),
        ...letters.map(
          ({ at, reason, id }) =>
            `${out.style.dim(isoTime(at))}  ${out.style.warn('dead letter')}, ${printable(reason)}; \`settlements resend ${printable(id)}\` sends it again`,
        ),
        ...(complete === false
          ? [out.style.dim('The list omits entries in between, which are archived.')]
          : []),
      ].join('\n'),
    );
  },
};

const exportDays: Command = {
  summary: 'export revenue, costs and credit by day, as CSV',
  options: [
    ...dayRange,
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign settlements export --from 2026-11-01 --to 2026-11-30 -o november.csv',
    'countersign settlements export --from 7d',
  ],
  run: async (session, input) => {
    const { out } = session;
    const days = dayRangeIn(input, session.now());
    const admin = await openAdmin(session, 'operator');
    const path = input.text('out');
    if (out.json && path === undefined) {
      const { items, asOf } = await datedList(admin, (onPage) =>
        admin.list('books', { query: days, onPage }),
      );
      return out.result({ lines: items, as_of: asOf }, () => '');
    }
    const pages = admin.export('books', { query: { ...days, format: 'csv' } });
    if (path === undefined || path === '-') {
      const encoder = new TextEncoder();
      for await (const page of pages) await out.bytes(encoder.encode(page));
      return;
    }
    const { lines, bytes } = await writePages(session, path, pages);
    // The first line holds the column names.
    const rows = Math.max(0, lines - 1);
    out.result(
      { format: 'csv', file: path, rows, bytes },
      () => `${out.style.good('written')}  ${counted(rows, 'line')} to ${path}`,
    );
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign settlements list --state open',
    'countersign settlements export --from 2026-11-01 --to 2026-11-30 -o november.csv',
    'countersign settlements backends',
  ],
  commands: {
    list,
    show,
    redrive,
    'write-off': writeOff,
    resolve,
    reconcile,
    backends,
    export: exportDays,
    letters,
    resend,
  },
};
