import { type Step, stepsOf, type StepWords } from '../../audit/call-steps.ts';
import { entryHash } from '../../audit/entry.ts';
import { callEntries } from '../../client/call-entries.ts';
import type { Entry } from '../../protocol/entry.ts';
import { explorerLink } from '../../protocol/explorer.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import { fields, printable } from '../lib/text.ts';
import { dollars, inAsset, isoTime } from '../lib/units.ts';
import { type Story, storedCall } from './stored-call.ts';
import { RECEIPT, WHICH, whichCall } from './which.ts';

export const show: Command = {
  summary: 'tell the story of one call: who signed, which rule decided, where the money is',
  arguments: WHICH,
  options: [RECEIPT, AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign calls show team/alice 0x5b36c908…b956',
    'countersign calls show --receipt - < receipt.txt',
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const params = await whichCall(admin, input);
    const names = await namesOf(session);
    const stored = await storedCall(admin, params);
    if (stored.kind === 'denied') {
      const steps = stepsOf(stored.entries, wordsOf(names));
      out.result({ entries: withHashes(stored.entries) }, () => stepsText(out, steps));
      return;
    }
    const { story } = stored;
    const { first, last } = story.entries;
    const entries = await callEntries(admin, params, { after: first - 1, last });
    const steps = stepsOf(entries, wordsOf(names));
    out.result({ ...story, log: withHashes(entries) }, () =>
      [
        storyText(out, story, names),
        '',
        stepsText(out, steps),
        '',
        out.style.dim('`countersign audit prove <receipt>` proves its end to anyone'),
      ].join('\n'),
    );
  },
};

const wordsOf = (names: Names): StepWords => ({
  account: (account) => names.of(account),
  money: dollars,
  time: isoTime,
  hash: (hash) => hash,
  transaction: (network, hash) => explorerLink(network, hash) ?? hash,
  rule: printable,
  text: printable,
});

const withHashes = (entries: readonly Entry[]) =>
  entries.map((entry) => ({ hash: entryHash(entry), entry }));

/** Whole hashes only with --json; the text has no room for them. */
const stepsText = (out: Output, steps: readonly Step[]): string =>
  fields(
    steps.map(({ at, seq, what, clauses }) => {
      const why = clauses.length === 0 ? '' : `: ${clauses.join('; ')}`;
      return [isoTime(at), `${what}${why}  [entry ${seq}]`];
    }),
    out.style.dim,
    proseWidth(out),
  );

const storyText = (out: Output, { call, settlement }: Story, names: Names): string =>
  [
    `${out.style.bold(names.of(call.account))} called ${out.style.bold(printable(call.tool ?? 'a tool'))}`,
    fields(
      [
        ['when', call.accepted_at === undefined ? undefined : isoTime(call.accepted_at)],
        ['outcome', outcomeText(call)],
        ['price', inAsset(call.price, call.asset) || undefined],
        ['charged', inAsset(call.charged, call.asset) || undefined],
        ['refunded', amount(call.refunded)],
        ['paid', paidText(call, settlement)],
        ['in', settlement?.transaction],
        ['block', settlement?.block?.toString()],
        ['call', call.call],
        ['account', call.account],
      ],
      out.style.dim,
      proseWidth(out),
    ),
  ].join('\n');

const amount = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : dollars(text);

const OUTCOMES = {
  held: 'running, or its answer is not known yet',
  committed: 'the tool answered',
  released: 'the tool failed, so the call cost nothing',
  abandoned: 'the tool gave no answer in time',
} as const;

const outcomeText = ({ state, status, reason, kept }: Story['call']): string => {
  const answer = status === undefined || status === 0 ? undefined : `status ${status}`;
  const why = reason === undefined || reason === 'answered' ? undefined : printable(reason);
  const more = [answer, why].filter((part) => part !== undefined).join(', ');
  const held =
    kept === 'held'
      ? '; its price is held until the operator decides: `countersign settlements resolve`'
      : '';
  return `${state}: ${OUTCOMES[state]}${more === '' ? '' : ` (${more})`}${held}`;
};

const PAID: Readonly<Record<string, string>> = {
  credit: 'from credit of the account',
  lent: 'from credit of its owner',
  deferred: 'by a payment from its wallet',
  upfront: 'by a payment from its wallet, before the tool ran',
  card: 'by a card of the operator',
  none: 'nothing: the call was free',
};

const paidText = (
  { paid_by: by }: Story['call'],
  settlement: Story['settlement'],
): string | undefined => {
  const how = by === undefined ? undefined : (PAID[by] ?? printable(by));
  if (settlement === undefined) return how;
  return `${how ?? 'by a payment'}, ${settlement.state}`;
};
