import type { Input } from '../command.ts';
import { dollars } from '../manage/money.ts';
import { openOffice, roleOf } from '../manage/office.ts';
import { listed, sentence } from '../manage/show.ts';
import { isoDay } from '../manage/times.ts';
import { treeBelow } from '../manage/tree.ts';
import { accountOrOwn, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';
import { statusPaint } from './list.ts';

/** `accounts tree`: who hangs below whom, by which grant, and what was spent of it. */
export const showTree = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, roleOf(input));
  const root = await accountOrOwn(office, input.arguments[0]);
  const nodes = await treeBelow(office, root);
  const names = await namesOf(session);
  out.result({ account: root, below: nodes }, () =>
    nodes.length === 0
      ? sentence(
          out,
          `Nobody hangs below ${names.of(root)}. \`countersign grant <agent> --total 5\` makes a first one.`,
        )
      : [
          out.style.bold(names.of(root)),
          listed(
            out,
            [
              { title: 'AGENT', cut: 'middle' },
              { title: 'GRANT' },
              { title: 'STATUS' },
              { title: 'SPENT', align: 'right' },
              { title: 'UNTIL' },
            ],
            nodes.map(({ account, depth, label, status, standing, spent, valid_until: until }) => [
              `${'  '.repeat(depth - 1)}${names.of(account, label)}`,
              status,
              standing ?? '',
              dollars(spent),
              isoDay(until),
            ]),
            (text, column) =>
              (column === 1 || column === 2) && text !== '' ? statusPaint(out, text) : text,
          ),
        ].join('\n'),
  );
};
