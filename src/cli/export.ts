import type { AccountId } from '../protocol/account-id.ts';
import { logPages } from './audit/log-pages.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import { writeFolder } from './lib/atomic-folder.ts';
import { ACCOUNT, AS_OPERATOR, type Command } from './lib/command.ts';
import { isRefusal, usageError } from './lib/errors.ts';
import { sentence } from './lib/print.ts';
import { fields } from './lib/text.ts';

/** A file of the export. */
type Part = {
  readonly file: string;
  /** What it holds, for the person whom it concerns. */
  readonly holds: string;
  readonly read: (admin: AdminClient, account: AccountId) => AsyncIterable<string>;
};

/** A part without pages. A signer without the right to a part, or an account without it, gets an empty file. */
const one = (read: (admin: AdminClient, account: AccountId) => Promise<object>): Part['read'] =>
  async function* document(admin, account) {
    try {
      yield `${JSON.stringify(await read(admin, account), undefined, 2)}\n`;
    } catch (thrown) {
      if (!isRefusal(thrown, 'unknown_document')) throw thrown;
    }
  };

const many = (
  read: (admin: AdminClient, account: AccountId) => AsyncIterable<object>,
): Part['read'] =>
  async function* lines(admin, account) {
    for await (const item of read(admin, account)) yield `${JSON.stringify(item)}\n`;
  };

/** Everything that the gateway can show about an account, each kind once. */
const PARTS: readonly Part[] = [
  {
    file: 'account.json',
    holds: 'label, status, credit, limits, grants that the account holds, its parent',
    read: one(
      async (admin, account) => (await admin.call('account.get', { params: { account } })).body,
    ),
  },
  {
    file: 'policy.json',
    holds: "the owner's policy for the account",
    read: one(
      async (admin, account) =>
        (await admin.call('account.policy.get', { params: { account } })).body,
    ),
  },
  {
    file: 'log.ndjson',
    holds:
      'every entry of its log: calls, denials, payments, credit, grants, commands, labels, screenings, with the evidence of each; of requests only digests',
    read: logPages,
  },
  {
    file: 'calls.ndjson',
    holds: 'a row for each call: tool, payee, amounts, times, state of its payment',
    read: many((admin, account) =>
      admin.list('account.calls', { params: { account }, query: { limit: 500 } }),
    ),
  },
  {
    file: 'children.ndjson',
    holds: 'the accounts to which it granted, with what each has spent',
    read: many((admin, account) =>
      admin.list('account.tree', { params: { account }, query: { limit: 500 } }),
    ),
  },
  {
    file: 'webhooks.ndjson',
    holds: 'its webhooks: URLs and events',
    read: many((admin, account) => admin.list('account.webhooks.list', { params: { account } })),
  },
];

/** What concerns an account and is not in the export. */
const LACKS = [
  'stored answers: only the payer may read them, with `GET /calls/<call>`, for about an hour after its call',
  'requests and answers that passed through: the gateway keeps none',
  'lines in the logs of Cloudflare, and whatever tools, facilitators and chains keep',
] as const;

export const command: Command = {
  summary: 'write all that the gateway has about one account into a folder',
  arguments: [ACCOUNT],
  options: [{ flags: '-o, --out <folder>', summary: 'a new folder (required)' }, AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign export team/alice -o alice',
    'countersign export 0x5b36… --operator -o x',
  ],
  run: async (session, input) => {
    const { out, signal } = session;
    const folder = input.text('out');
    if (folder === undefined || folder === '-')
      throw usageError('An export is a folder with several files.', 'Give -o alice.');
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const counts: Record<string, number> = {};
    let current = '';
    await session.progress.during(
      () => `writing ${current}`,
      async () =>
        await writeFolder(signal, folder, async (draft) => {
          for (const { file, read } of PARTS) {
            current = file;
            counts[file] = 0;
            await draft.write(file, counting(read(admin, account), counts, file));
          }
          const about = { account, exportedAt: session.now(), gateway: admin.gateway, ...CONTENTS };
          await draft.write('about.json', [`${JSON.stringify(about, undefined, 2)}\n`]);
        }),
    );
    const names = await namesOf(session);
    out.result({ account, folder, lines: counts, ...CONTENTS }, () =>
      [
        `${out.style.good('written')}  ${names.of(account)} to ${folder}`,
        fields(
          PARTS.map(({ file, holds }): [string, string] => [file, holds]),
          out.style.dim,
        ),
        ...LACKS.map((each) => sentence(out, `Not in it: ${each}.`)),
        out.style.dim(`\`countersign audit verify ${folder}/log.ndjson\` verifies the log offline`),
      ].join('\n'),
    );
  },
};

const CONTENTS = {
  holds: Object.fromEntries(PARTS.map(({ file, holds }) => [file, holds])),
  lacks: LACKS,
};

async function* counting(
  pages: AsyncIterable<string>,
  counts: Record<string, number>,
  file: string,
): AsyncGenerator<string> {
  for await (const page of pages) {
    counts[file] = (counts[file] ?? 0) + page.split('\n').length - 1;
    yield page;
  }
}
