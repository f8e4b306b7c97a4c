import { lasting } from '../core/lasting.ts';
import { isVisible } from '../core/plain-text.ts';
import type { AnswerOf } from '../management/routes.ts';
import { ruleName } from '../policy/rule-name.ts';
import { spendStatus } from '../protocol/account/spend-status.ts';
import { isFiat } from '../protocol/fiat-asset.ts';
import { accountNamed, accountOrOwn, namesOf, treeBelow } from './lib/accounts.ts';
import { datedList, openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import {
  ACCOUNT,
  ACCOUNT_OR_OWN,
  AS_OPERATOR,
  type Command,
  type CommandGroup,
} from './lib/command.ts';
import { isRefusal, usageError } from './lib/errors.ts';
import { asOfLine, changedText, listed, paintStatus, proseWidth, sentence } from './lib/print.ts';
import { MOST_READ, withSpendStatus } from './lib/spend-statuses.ts';
import { fields } from './lib/text.ts';
import { dollars, inAsset, isoDay, isoTime, lentText, shortTime } from './lib/units.ts';

const show: Command = {
  summary: 'show status, credit, grants and limits of an account',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: ['countersign accounts show', 'countersign accounts show team/alice'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountOrOwn(admin, input.arguments[0]);
    const { body } = await admin.call('account.get', { params: { account } });
    const names = await namesOf(session);
    const limits = body.money.flatMap(({ asset, limits: ofAsset }) =>
      ofAsset
        // A rate counts calls in every asset.
        .filter(({ rule }) => !(isFiat(asset) && rule.endsWith('rate')))
        .map((limit) => ({ ...limit, asset })),
    );
    out.result(body, () =>
      [
        `${out.style.bold(names.of(account, body.label))}  ${paintStatus(out, spendStatus(body))}`,
        fields(
          [
            ['account', account],
            ['parent', body.parent === undefined ? undefined : names.of(body.parent)],
            ['credit is', body.credit_frozen === true ? 'frozen by a screening' : undefined],
            // Credit is in tokens only.
            ...body.money
              .filter(({ asset }) => !isFiat(asset))
              .flatMap((money): [string, string | undefined][] => [
                ['credit', dollars(money.credit)],
                ['with agents', lentText(money.credit_lent)],
              ]),
          ],
          out.style.dim,
          proseWidth(out),
        ),
        ...(body.grants.length === 0
          ? []
          : [
              '',
              listed(
                out,
                [
                  { title: 'GRANT', cut: 'middle' },
                  { title: 'STATUS' },
                  { title: 'UNTIL' },
                  { title: 'FROM', cut: 'middle' },
                  { title: 'CALLS USE' },
                ],
                body.grants.map((grant) => [
                  grant.hash,
                  grant.status,
                  isoDay(grant.valid_until),
                  names.of(grant.issuer),
                  grant.is_default ? 'this one' : '',
                ]),
              ),
            ]),
        ...(limits.length === 0
          ? []
          : [
              '',
              listed(
                out,
                [
                  { title: 'LIMIT' },
                  { title: 'OF', align: 'right' },
                  { title: 'LEFT', align: 'right' },
                  { title: 'RESETS' },
                  { title: 'WHOSE', cut: 'middle' },
                ],
                limits.map((limit) => [
                  ruleName(limit.rule),
                  amountText(limit, limit.limit),
                  amountText(limit, limit.remaining),
                  limit.resets_at === undefined || limit.resets_at > NEVER
                    ? ''
                    : `in ${lasting(limit.resets_at - session.now())}`,
                  limit.account === undefined ? '' : names.of(limit.account),
                ]),
              ),
            ]),
      ].join('\n'),
    );
  },
};

/** Limits that never reset have a time far beyond every calendar. */
const NEVER = 9e12;

type Limit = AnswerOf<'account.get'>['money'][number]['limits'][number] & {
  readonly asset: string;
};

/** A rate counts calls, every other limit money. */
const amountText = ({ rule, asset }: Limit, amount: string): string =>
  rule.endsWith('rate') ? amount : inAsset(amount, asset);

const tree: Command = {
  summary: 'list the descendants of an account, with grants and spend',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: ['countersign accounts tree --as treasury'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const root = await accountOrOwn(admin, input.arguments[0]);
    const nodes = await treeBelow(admin, root).catch((thrown: unknown) => {
      // An owner has no account before its first payment or grant.
      if (input.arguments[0] === undefined && isRefusal(thrown, 'unknown_account')) return [];
      throw thrown;
    });
    const names = await namesOf(session);
    out.result({ account: root, below: nodes }, () =>
      nodes.length === 0
        ? sentence(
            out,
            `${names.of(root)} has granted nothing yet. \`countersign fleet new team --names a,b --per-day 1\` creates agents with budgets, \`countersign grant <agent> --per-day 1\` gives one to an agent that you know.`,
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
                inAsset(node.spent, node.asset),
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
};

const REPORTED_LATER =
  'Agents report what they spent when their lease is renewed or ends, within 70 s; AS OF (UTC) is their last report. `countersign spend` counts each call within seconds.';

const label: Command = {
  summary: 'label an account; without a label, remove the label it has',
  arguments: [ACCOUNT, { syntax: '[label]', summary: 'at most 64 characters' }],
  options: [
    {
      flags: '--operator',
      summary: 'sign as operator, who may label every account, even before its first call',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: ["countersign accounts label team/alice 'research crawler'"],
  run: async (session, input) => {
    const { out } = session;
    const [text = '', given] = input.arguments;
    const label = given ?? null;
    if (label !== null && !(/^.{1,64}$/su.test(label) && isVisible(label)))
      throw usageError(
        'That is not a valid label.',
        'Use 1 to 64 visible characters, with single spaces between them.',
      );
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, text);
    const params = { account };
    const present = await admin.call('account.get', { params }).catch((thrown: unknown) => {
      if (isRefusal(thrown, 'unknown_account') && admin.role === 'operator') return undefined;
      throw thrown;
    });
    const etag = present?.body.etags.label;
    const names = await namesOf(session);
    const what = `${names.of(account)} ${label === null ? 'has no label' : `has the label ${label}`}`;
    if ((present?.body.label ?? null) === label) {
      out.result({ account, label, changed: false }, () => changedText(out, false, what));
      return;
    }
    warnIfStopped(admin);
    const { body } = await admin.call(admin.role === 'operator' ? 'accounts.put' : 'account.put', {
      params,
      body: { label },
      ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
    });
    out.result({ account, label, ...body }, () => changedText(out, body.changed, what));
  },
};

const MAX_ACCOUNTS = 10_000;
const STATUSES = ['active', 'paused', 'frozen', 'revoked'] as const;

const list: Command = {
  summary: 'list all accounts, as operator',
  options: [
    { flags: '--label <text>', summary: 'only accounts whose label contains this text' },
    {
      flags: '--status <status>',
      summary: 'only accounts that were set to this status',
      choices: STATUSES,
    },
    { flags: '--below <account>', summary: 'only children of this account' },
    { flags: '-n, --limit <number>', summary: 'at most this many (default: 200)' },
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign accounts list', 'countersign accounts list --status frozen'],
  run: async (session, input) => {
    const { out, now } = session;
    const admin = await openAdmin(session, 'operator');
    const most = input.number('limit', 1, MAX_ACCOUNTS) ?? 200;
    const [label, below] = [input.text('label'), input.text('below')];
    const status = STATUSES.find((each) => each === input.text('status'));
    const query = {
      limit: Math.min(most, 500),
      ...(label === undefined ? {} : { label }),
      ...(status === undefined ? {} : { status }),
      ...(below === undefined ? {} : { parent: await accountNamed(admin, below) }),
    };
    const { items: found, asOf } = await datedList(
      admin,
      (onPage) => admin.list('accounts.list', { query, onPage }),
      most,
    );
    const { items, unread } = await withSpendStatus(admin, found);
    const names = await namesOf(session);
    const isNamed = (account: string): boolean =>
      names.known.has(account.slice(account.lastIndexOf(':') + 1));
    out.result({ accounts: items, as_of: asOf, ...(unread === 0 ? {} : { unread }) }, () =>
      [
        items.length === 0
          ? 'No account matches.'
          : listed(
              out,
              [
                { title: 'NAME', cut: 'middle' },
                { title: 'STATUS' },
                { title: 'PARENT', cut: 'middle' },
                { title: 'SINCE' },
                { title: 'ACCOUNT', cut: 'middle' },
              ],
              items.map((item) => [
                item.label !== undefined || isNamed(item.account)
                  ? names.of(item.account, item.label)
                  : '',
                item.spend_status,
                item.parent === undefined ? '' : names.of(item.parent),
                shortTime(item.first_at),
                item.account,
              ]),
              (text, column) => (column === 1 ? paintStatus(out, text) : text),
            ),
        ...(unread === 0
          ? []
          : [
              sentence(
                out,
                `The command read ${MOST_READ} active accounts. It did not read ${unread} more, so it does not know whether they have a valid grant. To list fewer accounts, use --below or --label.`,
              ),
            ]),
        asOfLine(out, asOf, now()),
      ].join('\n'),
    );
  },
};

const recover: Command = {
  summary: 'as operator: bring an account whose object was restored or lost forward to its log',
  arguments: [ACCOUNT],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign accounts recover eip155:84532:0x06a3d66339341f66d73bd0507e08f83c4c6a3377',
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { body } = await admin.call('accounts.recover', { params: { account } });
    const names = await namesOf(session);
    out.result({ account, ...body }, () =>
      sentence(
        out,
        body.changed
          ? `${names.of(account)} continues its log after entry ${body.to}, and starts no call before ${isoTime(body.starts_again_at)}. Compare credit, policies and grants with its log: docs/restore.md.`
          : `${names.of(account)} is not behind its log, which ends with entry ${body.to}. Nothing changed.`,
      ),
    );
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign accounts tree --as treasury',
    "countersign accounts label team/alice 'research crawler'",
  ],
  commands: { show, tree, label, list, recover },
};
