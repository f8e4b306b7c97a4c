import type { Input } from '../lib/command.ts';
import { dollars } from '../lib/amounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { listed, sentence } from '../lib/print.ts';
import { isoDay, isoTime } from '../lib/times.ts';
import { treeBelow } from '../lib/account-tree.ts';
import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { statusPaint } from './list.ts';

/** `accounts tree`: who hangs below whom, by which grant, and what was spent of it. */
export const showTree = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const root = await accountOrOwn(admin, input.arguments[0]);
  const nodes = await treeBelow(admin, root);
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
              { title: 'AS OF' },
              { title: 'UNTIL' },
            ],
            nodes.map((node) => [
              `${'  '.repeat(node.depth - 1)}${names.of(node.account, node.label)}`,
              node.status,
              node.standing ?? '',
              dollars(node.spent),
              node.reported_at === undefined ? 'now' : isoTime(node.reported_at).slice(11, 19),
              isoDay(node.valid_until),
            ]),
            (text, column) =>
              (column === 1 || column === 2) && text !== '' ? statusPaint(out, text) : text,
          ),
          ...(nodes.some((node) => node.reported_at !== undefined)
            ? [out.style.dim(sentence(out, LATER))]
            : []),
        ].join('\n'),
  );
};

const LATER =
  'Agents report what they spent when their lease is renewed or ends, within 70 s; AS OF (UTC) is their last report. `countersign spend` counts each call a few seconds after it.';
