import type { EntryEvent } from '../client/management-events.ts';
import { isAddress } from '../core/hex.ts';
import { type AccountId, accountId, parseAccountId } from '../protocol/account-id.ts';
import { accountNamed, namesOf } from './lib/account-names.ts';
import { treeBelow } from './lib/account-tree.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import { defineCommand } from './lib/command.ts';
import { counted } from './lib/text.ts';
import { createDecisions, type Decision, shownAt } from './tail/decision.ts';
import { createSequence, type Feeds, MAX_FEEDS, openFeeds } from './tail/feeds.ts';
import { decisionText } from './tail/line.ts';

/** How long a line waits for earlier lines of other feeds. */
const HOLD_MS = 1500;

export const command = defineCommand({
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
});

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
