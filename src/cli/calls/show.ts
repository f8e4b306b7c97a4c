import type { AnswerOf } from '../../management/routes.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import { fields, printable } from '../lib/text.ts';
import { dollars, inAsset, isoTime } from '../lib/units.ts';
import { RECEIPT, WHICH, whichCall } from './which.ts';

export const show: Command = {
  summary: 'show one call: what it cost, who paid, what was given back',
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
    const { body } = await admin.call('account.call', { params });
    const names = await namesOf(session);
    out.result(body, () => storyText(out, body, names));
  },
};

type Story = AnswerOf<'account.call'>;

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
