import type { EntryEvent } from '../client/management-events.ts';
import { type Names, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import type { Output, Style } from './lib/output.ts';
import { clipped, counted, printable, widthOf, wrapped } from './lib/text.ts';
import { dollars, isoTime } from './lib/units.ts';
import { createDecisions, type Decision, shownAt } from './tail/decision.ts';
import { createSequence, type Feeds, MAX_FEEDS, openFeeds } from './tail/feeds.ts';
import { followedAccounts, granteeIn, readLabel, updateLabel } from './tail/followed.ts';

/** The colour of a verdict. */
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
    const { out, ifStopped } = session;
    ifStopped('The log keeps every decision: `countersign audit export` prints it.');
    const admin = await openAdmin(session, roleOf(input));
    const { accounts, labels } = await followedAccounts(admin, input.arguments);
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
    // No spinner: decisions may arrive at any time, and the command often runs in the background.
    out.note(out.noteStyle.dim(`opening ${counted(feeds.accounts.size, 'feed')}`));
    await Promise.race([feeds.connected(), feeds.over]);
    out.note(
      out.noteStyle.dim(`watching ${counted(feeds.accounts.size, 'account')}; Ctrl-C ends it`),
    );
    await feeds.over;
  },
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
