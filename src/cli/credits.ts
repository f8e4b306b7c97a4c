import { createAgent } from '../client/agent.ts';
import { CountersignError } from '../client/errors.ts';
import { showCommand } from './calls/which.ts';
import { assetId } from '../protocol/account-id.ts';
import { accountNamed, accountOrOwn, nameOf, namesOf } from './lib/accounts.ts';
import { callNamed } from './lib/call-id.ts';
import { networkOf, openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import {
  ACCOUNT,
  ACCOUNT_OR_OWN,
  AS_OPERATOR,
  type Command,
  type CommandGroup,
  REASON,
} from './lib/command.ts';
import { CliError, cliErrorOf, problemError, usageError } from './lib/errors.ts';
import { hashIn, reasonIn } from './lib/input.ts';
import { proseWidth, sentence } from './lib/print.ts';
import { fields } from './lib/text.ts';
import { amountIn, dollars, lentText } from './lib/units.ts';

const show: Command = {
  summary: 'show credit and debt of an account',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: ['countersign credits show', 'countersign credits show team/alice'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountOrOwn(admin, input.arguments[0]);
    const { body } = await admin.call('account.get', { params: { account } });
    const names = await namesOf(session);
    const hasSeveral = body.money.length > 1;
    out.result({ account, money: body.money.map(({ limits: _, ...money }) => money) }, () =>
      [
        out.style.bold(names.of(account, body.label)),
        ...(body.money.length === 0 ? ['no credit'] : []),
        ...body.money.map((money) =>
          fields(
            [
              ['asset', hasSeveral ? money.asset : undefined],
              ['credit', dollars(money.credit)],
              ['held', unlessZero(heldByOwnCalls(money))],
              ['with agents', lentText(money.credit_lent)],
              ['unsettled', unlessZero(money.unsettled)],
              ['debt', unlessZero(money.debt)],
            ],
            out.style.dim,
            proseWidth(out),
          ),
        ),
      ].join('\n'),
    );
  },
};

/** `credit_held` includes credit lent to agents; the rest is held by the account's own running calls. */
const heldByOwnCalls = ({
  credit_held: held,
  credit_lent: lent,
}: {
  readonly credit_held: string;
  readonly credit_lent: string;
}): string => (BigInt(held) - BigInt(lent)).toString();

const unlessZero = (amount: string): string | undefined =>
  amount === '0' ? undefined : dollars(amount);

const topUp: Command = {
  summary: 'buy credit with a payment from a wallet',
  arguments: [{ syntax: '<amount>', summary: 'dollars, 5 or 0.50, or atomic units, 500000u' }],
  options: [{ flags: '--to <account>', summary: 'account to credit (default: the payer)' }],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign credits top-up 5 --as treasury',
    'countersign credits top-up 0.50 --to team/alice --as treasury',
  ],
  run: async (session, input) => {
    const { out, progress } = session;
    const amount = amountIn(input.arguments[0] ?? '', 'credits top-up');
    const admin = await openAdmin(session, 'owner');
    const to = input.text('to');
    const account = to === undefined ? await admin.own() : await accountNamed(admin, to);
    const agent = createAgent({
      account: admin.signer,
      spend: { perCall: amount, total: amount },
      hooks: {
        onSign: ({ call }) =>
          session.ifStopped(
            `The command signed the payment ${call} and may have sent it. Read \`countersign credits show\` before you pay again.`,
          ),
      },
    });
    const shows = await showCommand(session, input, admin.self, admin.gateway);
    const response = await progress
      .during('paying', async () =>
        agent.topUp(admin.gateway, amount, to === undefined ? {} : { account }),
      )
      .catch((thrown: unknown) => {
        const error = cliErrorOf(thrown);
        const lost = thrown instanceof CountersignError && error.code === 'answer_lost';
        if (!lost || thrown.call === undefined) throw error;
        throw new CliError(error.message, {
          hint: `The payment may have moved. Do not sign it again: \`${shows(thrown.call)}\` shows its outcome.`,
          ...{ code: error.code, exit: error.exit, details: error.details, cause: thrown },
        });
      });
    const { problem, charged, call, transaction } = response.countersign;
    if (!response.ok) throw problemError(response.status, problem, await nameOf(session));
    const names = await namesOf(session);
    out.result({ account, amount: charged, call, transaction }, () =>
      sentence(
        out,
        `${out.style.good('paid')}  ${dollars(charged)}, credited to ${names.of(account)}`,
      ),
    );
  },
};

const adjust: Command = {
  summary: 'add credit to an account or take it away, as operator',
  arguments: [ACCOUNT],
  options: [
    {
      flags: '--give <amount>',
      summary: 'dollars to add, 5 or 0.50, or atomic units, 500000u',
    },
    { flags: '--take <amount>', summary: 'dollars to take, at most the credit there is' },
    REASON,
  ],
  shared: ['gateway', 'signer'],
  examples: ["countersign credits adjust team/alice --give 2 --reason 'ticket 7'"],
  run: async (session, input) => {
    const { out } = session;
    const [give, take] = [input.text('give'), input.text('take')];
    if ((give === undefined) === (take === undefined))
      throw usageError(
        'The command needs either --give or --take.',
        'Give e.g. --give 5 or --take 5.',
      );
    const reason = reasonIn(input);
    const amount = give === undefined ? -amountIn(take ?? '', '--take') : amountIn(give, '--give');
    if (amount === 0n)
      throw usageError(
        'An adjustment by $0.00 changes nothing.',
        'Give an amount above zero, e.g. --give 5.',
      );
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { network, asset } = await networkOf(admin, account);
    warnIfStopped(admin);
    const { body } = await admin.call('credits.adjust', {
      params: { account },
      body: { asset: assetId(network, asset), amount: amount.toString(), reason },
    });
    const names = await namesOf(session);
    const change = amount < 0n ? `took ${dollars(-amount)}` : `added ${dollars(amount)}`;
    out.result(
      body,
      () =>
        `${out.style.good('done')}  ${change}; ${names.of(account)} has ${dollars(body.credit)} of credit`,
    );
  },
};

const refund: Command = {
  summary: 'record that you paid credit back on chain, as operator',
  arguments: [
    { syntax: '<account>', summary: 'account that received the refund' },
    { syntax: '<transaction>', summary: 'hash of the transaction' },
  ],
  options: [
    {
      flags: '--log-index <number>',
      summary: 'index of the transfer in its block, if the transaction has several',
    },
    { flags: '--call <call>', summary: 'the refunded call that this transfer pays out' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign credits refund team/alice 0x5b36c90854a7640a15f67b4a1725bb90b6bfd1932a17d92d7dad78fb76cdb956',
  ],
  run: async (session, input) => {
    const { out } = session;
    const logIndex = input.number('logIndex', 0, 1_000_000);
    const callText = input.text('call');
    const transaction = hashIn(
      input.arguments[1],
      'a transaction hash',
      'as block explorers print it',
    );
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    warnIfStopped(admin);
    const { body } = await admin.call('credits.refund', {
      body: {
        account,
        transaction,
        ...(logIndex === undefined ? {} : { log_index: logIndex }),
        ...(callText === undefined ? {} : { call: await callNamed(admin, account, callText) }),
      },
    });
    const names = await namesOf(session);
    out.result(
      body,
      () =>
        `${body.known ? out.style.dim('same') : out.style.good('done')}  refund of ${dollars(body.amount)} to ${names.of(account)}; ${dollars(body.credit)} of credit remains`,
    );
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign credits top-up 5 --as treasury',
    "countersign credits adjust team/alice --give 2 --reason 'ticket 7'",
  ],
  commands: { show, 'top-up': topUp, adjust, refund },
};
