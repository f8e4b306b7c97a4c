import type { AnswerOf } from '../../management/routes.ts';
import { openAdmin } from '../lib/admin-client.ts';
import type { Command } from '../lib/command.ts';
import { CliError, Ended, EXIT } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { counted } from '../lib/text.ts';
import { shortTime } from '../lib/units.ts';

type Answer = AnswerOf<'audit.rebuild'>;

export const rebuild: Command = {
  summary: 'compare the lists of a paused gateway with its log, or rebuild them from it',
  options: [{ flags: '--apply', summary: 'correct what differs (default: only report it)' }],
  shared: ['gateway', 'signer'],
  examples: ['countersign audit rebuild', 'countersign audit rebuild --apply'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    session.ifStopped('The rebuild stays where it is. Another one may begin after five minutes.');
    let text = 'reading the log';
    const report = await session.progress.during(
      () => text,
      async () => {
        let answer: Answer | undefined;
        while (answer?.state !== 'ended') {
          const body: { run?: string; apply?: boolean } =
            answer === undefined ? { apply: input.flag('apply') } : { run: answer.run };
          const known = answer?.run;
          ({ body: answer } = await admin.call('audit.rebuild', { body }));
          if (answer.state === 'busy' || (known !== undefined && answer.run !== known))
            throw busy(answer);
          text = `reading the log: ${entriesText(answer.entries)}`;
        }
        return answer;
      },
    );
    out.result(report, () => rebuildText(out, report));
    if (report.verdict !== 'equal' && report.verdict !== 'corrected') throw new Ended(EXIT.failed);
  },
};

const entriesText = (count: number): string => `${count} ${count === 1 ? 'entry' : 'entries'}`;

const busy = ({ began_by: by, began_at: at }: Answer): CliError =>
  new CliError(`Another rebuild runs: ${by} began it at ${shortTime(at)}.`, {
    hint: 'Wait until it has ended. A rebuild whose command was stopped can be replaced five minutes after its last step.',
    code: 'rebuild_busy',
  });

export const rebuildText = (out: Output, answer: Answer): string => {
  const { verdict = 'incomplete', accounts, entries, tables, first, unread, objects } = answer;
  const { style } = out;
  const read = `${entriesText(entries)} of ${counted(accounts, 'account')} read`;
  const rows = tables.map(({ table, rows: n }) => `  ${table}: ${counted(n, 'row')}`);
  const named = first.map(
    (each) => `  ${each.table} ${JSON.stringify(each.key)}: ${changeText(each)}`,
  );
  switch (verdict) {
    case 'equal':
      return `${style.good('equal')}  ${read}: every list says what the log says`;
    case 'corrected':
      return [`${style.good('corrected')}  ${read}; these rows differed:`, ...rows, ...named].join(
        '\n',
      );
    case 'incomplete':
      return [
        `${style.bad('incomplete')}  ${read}; the gateway corrected nothing, because it could not read:`,
        ...unread.map(
          ({ account, from, to, fault }) =>
            `  entries ${from} to ${to} of ${account}: ${fault === 'missing' ? 'neither the database nor the archive has them' : 'their hash chain is broken'}`,
        ),
        ...objects.map((name) => `  ${name}: the archive lacks it`),
        ...(named.length === 0 ? [] : ['rows that differ:', ...rows, ...named]),
      ].join('\n');
    case 'different':
      return [
        `${style.bad('different')}  ${read}; the lists differ from the log:`,
        ...rows,
        ...named,
        style.dim('`countersign audit rebuild --apply` corrects the database; objects in R2 stay'),
      ].join('\n');
  }
};

/** The differences of a row, column by column. */
const changeText = ({ stored, rebuilt }: Answer['first'][number]): string => {
  if (stored === undefined) return 'the list lacks this row';
  if (rebuilt === undefined) return 'the log has nothing of this row';
  return [...new Set([...Object.keys(stored), ...Object.keys(rebuilt)])]
    .filter((column) => stored[column] !== rebuilt[column])
    .map(
      (column) =>
        `${column} is ${stored[column] ?? 'empty'}, the log says ${rebuilt[column] ?? 'empty'}`,
    )
    .join('; ');
};
