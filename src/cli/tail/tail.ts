import type { EntryEvent } from '../../client/management-events.ts';
import { type AccountId, accountId, parseAccountId } from '../../protocol/account-id.ts';
import { isAddress } from '../../core/hex.ts';
import type { Input } from '../lib/command.ts';
import { type AdminClient, openAdmin, roleOf } from '../lib/admin-client.ts';
import { treeBelow } from '../lib/account-tree.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { createDecisions, type DecisionLine, shownAt } from './decision.ts';
import { type Feeds, MOST_FEEDS, openFeeds } from './feeds.ts';
import { lineText } from './line.ts';
import { createSequence } from './sequence.ts';

/** `tail`: decisions as they fall, of the accounts that are named, or of whoever signs and everybody below. */
export const tail = async (session: Session, input: Input): Promise<void> => {
  const { out, ifStopped, progress } = session;
  ifStopped('What happened is in the log: `countersign audit export` has all of it.');
  const admin = await openAdmin(session, roleOf(input));
  const { accounts, labels } = await watched(admin, input.arguments);
  const names = await namesOf(session);
  let feeds: Feeds | undefined;
  const lines = createSequence<DecisionLine>(HOLD_MS, shownAt, (line) => {
    const label = labels.get(line.account);
    const agent = names.of(line.account, label);
    out.item({ ...line, agent }, () => lineText(out, line, names, label));
  });
  const decide = createDecisions();
  const heard = (entry: EntryEvent): void => {
    noteLabel(labels, entry);
    const line = decide(entry);
    if (line !== undefined) lines.add(line);
    // An account that gets a grant while the command watches is watched as well.
    const joined = input.arguments.length === 0 ? grantedIn(entry) : undefined;
    if (joined !== undefined && feeds?.join(joined) === true)
      void learnLabel(admin, labels, joined);
  };
  // Ctrl-C must not lose the lines that wait for their order.
  session.signal.addEventListener('abort', lines.flush, { once: true });
  feeds = openFeeds(admin, heard);
  for (const account of accounts) feeds.open(account);
  const left = accounts.length - feeds.accounts.size;
  if (left > 0)
    out.note(`note: watching ${MOST_FEEDS} accounts, the most at once; ${left} are left out`);
  await Promise.race([progress.during('opening feeds', feeds.connected), feeds.over]);
  out.note(
    out.noteStyle.dim(`watching ${counted(feeds.accounts.size, 'account')}; Ctrl-C ends it`),
  );
  await feeds.over;
};

/** How long a line waits for those of other feeds that happened before it. */
const HOLD_MS = 1500;

type Labels = Map<string, string>;

/** A label that was given or taken away since the command began. */
const noteLabel = (labels: Labels, { type, account, outcome }: EntryEvent): void => {
  if (type !== 'account.label') return;
  const label = outcome?.['label'];
  if (typeof label === 'string') labels.set(account, label);
  else labels.delete(account);
};

/** The label of an account that joined; without one, or where it cannot be read, the account keeps its own name. */
const learnLabel = async (
  admin: AdminClient,
  labels: Labels,
  account: AccountId,
): Promise<void> => {
  try {
    const { body } = await admin.management().call('account.get', { params: { account } });
    if (body.label !== undefined && !labels.has(account)) labels.set(account, body.label);
  } catch {
    // Its lines are shown under its name of this machine, or its address.
  }
};

type Watched = {
  readonly accounts: readonly AccountId[];
  readonly labels: Labels;
};

const watched = async (admin: AdminClient, words: readonly string[]): Promise<Watched> => {
  const labels = new Map<string, string>();
  if (words.length > 0) {
    const accounts: AccountId[] = [];
    for (const word of words) {
      const account = await accountNamed(admin, word);
      accounts.push(account);
      // A label is what it was called by.
      if (!word.startsWith('0x') && parseAccountId(word.toLowerCase()) === undefined)
        labels.set(account, word);
    }
    return { accounts: [...new Set(accounts)], labels };
  }
  const own = await admin.own();
  const below = await treeBelow(admin, own);
  for (const { account, label } of below) if (label !== undefined) labels.set(account, label);
  // One whose grants are all over makes no calls.
  const live = below.filter(
    ({ status, standing }) => status === 'active' && standing !== undefined,
  );
  return { accounts: [...new Set([own, ...live.map(({ account }) => account)])], labels };
};

/** The account that has consented to a grant: before that its log is closed to its issuer. */
const grantedIn = ({
  type,
  account,
  decision,
  evidence,
  outcome,
}: EntryEvent): AccountId | undefined => {
  if (type === 'grant.accepted') {
    const accepted = outcome?.['delegate'];
    return typeof accepted === 'string' && parseAccountId(accepted) !== undefined
      ? (accepted as AccountId)
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
