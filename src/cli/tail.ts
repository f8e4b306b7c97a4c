import type { EntryEvent } from '../client/management-events.ts';
import { isAddress } from '../core/hex.ts';
import { accountId, type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { accountNamed, type Names, namesOf, treeBelow } from './lib/accounts.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import type { Output, Style } from './lib/output.ts';
import { clipped, counted, printable, widthOf, wrapped } from './lib/text.ts';
import { dollars, isoTime } from './lib/units.ts';
import { createDecisions, type Decision, shownAt } from './tail/decision.ts';
import { createSequence, type Feeds, MAX_FEEDS, openFeeds } from './tail/feeds.ts';

/** How long a line waits for earlier lines of other feeds. */
const HOLD_MS = 1500;

export const command: Command = {
  summary: 'follow decisions live: account, tool, price, verdict and reason',
  arguments: [
    { syntax: '[accounts...]', summary: 'accounts to follow (default: you and your descendants)' },
  ],
  options: [{ flags: '--operator', summary: 'sign as operator, who may follow every account' }],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tail --as treasury',
    'countersign tail team/alice team/bob --json | jq .verdict',
  ],
  run: async (session, input) => {
    const { out, ifStopped, progress } = session;
    ifStopped('The log keeps every decision: `countersign audit export` prints it.');
    const admin = await openAdmin(session, roleOf(input));
    const { accounts, labels } = await watchedAccounts(admin, input.arguments);
    const names = await namesOf(session);
    let feeds: Feeds | undefined;
    const sequence = createSequence<Decision>(HOLD_MS, shownAt, (line) => {
      const label = labels.get(line.account);
      const agent = names.of(line.account, label);
      out.item({ ...line, agent }, () => decisionText(out, line, names, label));
    });
    const decide = createDecisions();
    const onEntry = (entry: EntryEvent): void => {
      updateLabel(labels, entry);
      const line = decide(entry);
      if (line !== undefined) sequence.add(line);
      // Without arguments the command also follows accounts that receive a grant while it runs.
      const joined = input.arguments.length === 0 ? granteeIn(entry) : undefined;
      if (joined !== undefined && feeds?.join(joined) === true)
        void readLabel(admin, labels, joined);
    };
    // Ctrl-C must not drop the lines that wait for their order.
    session.signal.addEventListener('abort', sequence.flush, { once: true });
    feeds = openFeeds(admin, onEntry);
    for (const account of accounts) feeds.open(account);
    const omitted = accounts.length - feeds.accounts.size;
    if (omitted > 0)
      out.note(
        `note: the command follows at most ${MAX_FEEDS} accounts at once and omits ${omitted}`,
      );
    await Promise.race([progress.during('opening feeds', feeds.connected), feeds.over]);
    out.note(
      out.noteStyle.dim(`watching ${counted(feeds.accounts.size, 'account')}; Ctrl-C ends it`),
    );
    await feeds.over;
  },
};

type Labels = Map<string, string>;

const updateLabel = (labels: Labels, { type, account, outcome }: EntryEvent): void => {
  if (type !== 'account.label') return;
  const label = outcome?.['label'];
  if (typeof label === 'string') labels.set(account, label);
  else labels.delete(account);
};

const readLabel = async (admin: AdminClient, labels: Labels, account: AccountId): Promise<void> => {
  try {
    const { body } = await admin.management().call('account.get', { params: { account } });
    if (body.label !== undefined && !labels.has(account)) labels.set(account, body.label);
  } catch {
    // Without a label, lines show the name of this machine's key, or the address.
  }
};

const watchedAccounts = async (
  admin: AdminClient,
  given: readonly string[],
): Promise<{ readonly accounts: readonly AccountId[]; readonly labels: Labels }> => {
  const labels: Labels = new Map();
  if (given.length > 0) {
    const accounts: AccountId[] = [];
    for (const text of given) {
      const account = await accountNamed(admin, text);
      accounts.push(account);
      const isLabel = !text.startsWith('0x') && parseAccountId(text.toLowerCase()) === undefined;
      if (isLabel) labels.set(account, text);
    }
    return { accounts: [...new Set(accounts)], labels };
  }
  const own = await admin.own();
  const below = await treeBelow(admin, own);
  for (const { account, label } of below) if (label !== undefined) labels.set(account, label);
  // An account without a live grant makes no calls.
  const live = below.filter(
    ({ status, standing }) => status === 'active' && standing !== undefined,
  );
  return { accounts: [...new Set([own, ...live.map(({ account }) => account)])], labels };
};

/** The account that consented to a grant. Before its consent, its log is closed to the issuer. */
const granteeIn = ({
  type,
  account,
  decision,
  evidence,
  outcome,
}: EntryEvent): AccountId | undefined => {
  if (type === 'grant.accepted') {
    const delegate = outcome?.['delegate'];
    return typeof delegate === 'string' && parseAccountId(delegate) !== undefined
      ? (delegate as AccountId)
      : undefined;
  }
  if (type !== 'grant.issued' || decision === 'offered') return undefined;
  const delegation = evidence?.['delegation'];
  const delegate =
    typeof delegation === 'object' && delegation !== null && 'delegate' in delegation
      ? delegation.delegate
      : undefined;
  const on = parseAccountId(account)?.network;
  return typeof delegate === 'string' && isAddress(delegate) && on !== undefined
    ? accountId(on, delegate)
    : undefined;
};

const NARROW = 72;
const WIDE = 100;
const NAME = { narrow: 14, wide: 22 };
const TOOL = 14;
const PRICE = 8;

/** A decision on one line; on a narrow terminal the reason goes below. */
export const decisionText = (
  { width, style }: Output,
  line: Decision,
  names: Names,
  label: string | undefined,
): string => {
  const account = printable(names.of(line.account, label));
  const price = dollars(line.charged ?? line.price);
  const reason = present([
    line.rule,
    line.says,
    line.by === undefined ? undefined : `by ${names.of(line.by)}`,
    line.count === undefined || line.count < 2
      ? undefined
      : `${line.count} times since ${clock(line.at)}`,
  ]).join(', ');
  const time = style.dim(clock(shownAt(line)));
  const verdict = verdictStyle(style, line.verdict)(line.verdict.padEnd(7));
  if (width < NARROW) {
    const name = clipped(account, Math.max(6, width - 9 - 8), 'middle');
    const below = present([line.tool, price, reason]).join(' ');
    return `${time} ${verdict} ${name}${below === '' ? '' : `\n  ${wrapped(printable(below), width, '  ')}`}`;
  }
  const nameWidth = width < WIDE ? NAME.narrow : NAME.wide;
  const head = [
    time,
    clipped(account, nameWidth, 'middle').padEnd(nameWidth),
    // Only decisions about a call have tool and price.
    ...(line.tool === undefined && price === ''
      ? []
      : [clipped(printable(line.tool ?? ''), TOOL).padEnd(TOOL), price.padStart(PRICE)]),
    verdict,
  ].join(' ');
  const text = printable(reason);
  if (text === '') return head.trimEnd();
  const columns = Math.min(width, 140);
  const indent = widthOf(head) + 2;
  return indent + widthOf(text) <= columns || columns - indent > 60
    ? `${head}  ${wrapped(text, columns, ' '.repeat(indent))}`
    : `${head}\n         ${wrapped(text, columns, '         ')}`;
};

const present = (parts: readonly (string | undefined)[]): readonly string[] =>
  parts.filter((part) => part !== undefined && part !== '') as readonly string[];

const clock = (seconds: number): string => isoTime(seconds).slice(11, 19);

const verdictStyle = (style: Style, verdict: Decision['verdict']): Style['good'] => {
  switch (verdict) {
    case 'allowed':
    case 'charged':
    case 'paid':
      return style.good;
    case 'denied':
    case 'failed':
      return style.bad;
    case 'alert':
      return style.warn;
    case 'order':
      return style.accent;
  }
};
