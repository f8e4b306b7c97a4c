import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import { treeBelow } from '../lib/account-tree.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { dollars } from '../lib/amounts.ts';
import { ACCOUNT_OR_OWN, AS_OPERATOR, defineCommand } from '../lib/command.ts';
import { listed, paintStatus, sentence } from '../lib/print.ts';
import { isoDay, isoTime } from '../lib/times.ts';

export const command = defineCommand({
  summary: 'list all descendants of an account, with their grants and spend',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const root = await accountOrOwn(admin, input.arguments[0]);
    const nodes = await treeBelow(admin, root);
    const names = await namesOf(session);
    out.result({ account: root, below: nodes }, () =>
      nodes.length === 0
        ? sentence(
            out,
            `${names.of(root)} has granted nothing yet. \`countersign grant <agent> --total 5\` grants to a first agent.`,
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
                (column === 1 || column === 2) && text !== '' ? paintStatus(out, text) : text,
            ),
            ...(nodes.some((node) => node.reported_at !== undefined)
              ? [out.style.dim(sentence(out, REPORTED_LATER))]
              : []),
          ].join('\n'),
    );
  },
});

const REPORTED_LATER =
  'Agents report what they spent when their lease is renewed or ends, within 70 s; AS OF (UTC) is their last report. `countersign spend` counts each call within seconds.';
