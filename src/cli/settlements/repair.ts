import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { accountNamed } from '../lib/accounts.ts';
import { type AdminClient, collected, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { type ArgumentSpec, type Command, REASON } from '../lib/command.ts';
import { CliError, isRefusal, usageError } from '../lib/errors.ts';
import { callNamed } from '../lib/call-id.ts';
import { type Input, reasonIn } from '../lib/input.ts';
import { changedText, listed } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { shortTime } from '../lib/units.ts';

export const PAYER: ArgumentSpec = {
  syntax: '<account>',
  summary: 'payer: key name, label, address or account id',
};

export const CALL: ArgumentSpec = {
  syntax: '<call>',
  summary: 'call id, whole or as a table shortens it',
};

type Send = (
  admin: AdminClient,
  params: { readonly account: AccountId; readonly call: Hex },
) => Promise<{ readonly body: { readonly changed: boolean } }>;

/** Sends a command about the payment that the two arguments name, and prints whether it changed something. */
const commandSettlement = async (
  session: Session,
  input: Input,
  what: string,
  send: Send,
): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const call = await callNamed(admin, account, input.arguments[1]);
  warnIfStopped(admin);
  const { body } = await send(admin, { account, call });
  out.result({ account, call, ...body }, () => changedText(out, body.changed, what));
};

export const redrive: Command = {
  summary: 'try again to settle an open payment',
  arguments: [PAYER, CALL],
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements redrive team/alice 0x5b36c908…b956'],
  run: async (session, input) =>
    await commandSettlement(session, input, 'queued for settlement again', async (admin, params) =>
      admin.call('settlements.redrive', { params }),
    ),
};

export const writeOff: Command = {
  summary: 'give up an open payment that can no longer settle',
  arguments: [PAYER, CALL],
  options: [REASON],
  shared: ['gateway', 'signer'],
  examples: ["countersign settlements write-off team/alice 0x5b36c908…b956 --reason 'expired'"],
  run: async (session, input) => {
    const reason = reasonIn(input);
    await commandSettlement(
      session,
      input,
      'written off; the payer owes nothing',
      async (admin, params) => admin.call('settlements.writeoff', { params, body: { reason } }),
    );
  },
};

export const resolve: Command = {
  summary: 'charge or release a call whose tool gave no answer',
  arguments: [PAYER, CALL],
  options: [
    { flags: '--charge', summary: 'the tool did its work: charge the price' },
    { flags: '--release', summary: 'the tool did no work: release the price to the agent' },
    REASON,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    "countersign settlements resolve team/alice 0x5b36c908…b956 --release --reason 'never delivered'",
  ],
  run: async (session, input) => {
    const charge = input.flag('charge');
    if (charge === input.flag('release')) {
      throw usageError(
        'The command needs either --charge or --release.',
        'Give --charge if the tool did its work, else --release.',
      );
    }
    const reason = reasonIn(input);
    await commandSettlement(
      session,
      input,
      charge ? 'price charged' : 'price released to the agent',
      async (admin, params) =>
        admin.call('settlements.resolve', { params, body: { charge, reason } }),
    );
  },
};

const MAX_LETTERS = 1000;

export const letters: Command = {
  summary: 'list dead letters: messages that the gateway could not process',
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements letters'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const items = await collected(admin, admin.list('deadletters.list'), MAX_LETTERS);
    out.result({ letters: items }, () =>
      items.length === 0
        ? `${out.style.good('none')}  the consumers processed every message`
        : [
            listed(
              out,
              [
                { title: 'WHEN' },
                { title: 'QUEUE' },
                { title: 'WHY', cut: 'end' },
                { title: 'SENT AGAIN' },
                { title: 'LETTER', cut: 'middle' },
              ],
              items.map(({ at, queue, reason, redriven_at: redrivenAt, id }) => [
                shortTime(at),
                queue,
                reason,
                shortTime(redrivenAt),
                id,
              ]),
            ),
            out.style.dim(
              `${counted(items.length, 'dead letter')}; \`settlements resend <letter>\` sends one again`,
            ),
          ].join('\n'),
    );
  },
};

export const resend: Command = {
  summary: 'process a dead letter again',
  arguments: [{ syntax: '<letter>', summary: 'id of the dead letter' }],
  shared: ['gateway', 'signer'],
  examples: ['countersign settlements resend 5f0c1f3e9a7b4c2d'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    warnIfStopped(admin);
    const params = { letter: input.arguments[0] ?? '' };
    const { body } = await admin
      .call('deadletters.redrive', { params })
      .catch((thrown: unknown) => {
        if (!isRefusal(thrown, 'unknown_document')) throw thrown;
        throw new CliError('The gateway has no dead letter with this id.', {
          hint: '`countersign settlements letters` lists them.',
          code: 'unknown_document',
        });
      });
    out.result(body, () => changedText(out, true, `sent to ${body.queue} again`));
  },
};
