import { type Agent, createAgent } from '../client/agent.ts';
import { AnswerBrokenOff } from '../client/answer-broken-off.ts';
import type { FinalReport } from '../client/call-report.ts';
import { CountersignError } from '../client/errors.ts';
import type { Offered } from '../client/hooks.ts';
import { addressOf, type Signer } from '../client/signer.ts';
import type { Hex } from '../core/hex.ts';
import { formatDollars } from '../protocol/amount.ts';
import { printAnswer, printDryRun } from './call/answer.ts';
import { readRequest } from './call/request.ts';
import { createTrace, offerText } from './call/trace.ts';
import { showCommand } from './calls/which.ts';
import type { Command } from './lib/command.ts';
import { CliError, cliErrorOf, EXIT } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import type { Session } from './lib/session.ts';
import { amountIn, isoTime, tokenAmount } from './lib/units.ts';

const DEFAULT_MAX = '$0.05';

export const command: Command = {
  summary: 'call a URL as curl does, and pay if the server asks',
  arguments: [{ syntax: '<url>', summary: 'a URL, or a path at the gateway' }],
  options: [
    { flags: '-X, --request <method>', summary: 'method (default: GET; POST with -d)' },
    { flags: '-d, --data <data>', summary: 'body; @file, or @- for stdin' },
    {
      flags: '-H, --header <line>',
      summary: "header, e.g. 'accept: text/plain'",
      repeatable: true,
    },
    { flags: '--max <amount>', summary: 'pay at most this much (default: $0.05)' },
    { flags: '--credit', summary: 'pay from credit only; sign no payment' },
    { flags: '--grant <hash>', summary: 'grant to spend from (default: the default grant)' },
    { flags: '--dry-run', summary: 'ask for the verdict only; run and pay nothing' },
    { flags: '--timeout <seconds>', summary: 'timeout of each attempt (default: 120)' },
    {
      flags: '--raw',
      summary: 'print the answer unchanged on a terminal too, control characters included',
    },
    { flags: '-v, --verbose', summary: 'print each step: offer, signature, answer, receipt' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    "countersign call '/tools/lookup?word=river' | jq .senses",
    `countersign call https://api.example/tools/translate -d '{"text":"hello","to":"fr"}' --max 0.02 -v`,
    "countersign call '/tools/lookup?word=river' --dry-run",
  ],
  run: async (session, input) => {
    const request = await readRequest(session, input);
    const { url, origin, method, headers, body } = request;
    const isDryRun = input.flag('dryRun');
    if (isDryRun) headers.set('Dry-Run', '?1');
    const signer = await session.profile.signer('agent', origin);
    const offers: Offered[] = [];
    const shows = await showCommand(session, input, addressOf(signer), origin);
    const agent = agentOf(session, input, signer, offers, isDryRun, shows);
    session.ifStopped(
      'The command signed nothing. A server that asks for no payment may have run the request.',
    );
    const response = await session.progress
      .during(`calling ${new URL(url).host}`, async () =>
        agent.fetch(url, {
          method,
          headers,
          signal: session.signal,
          ...(body === undefined ? {} : { body }),
        }),
      )
      .catch((thrown: unknown) => {
        throw (
          (isDryRun ? refusedDryRun(thrown, offers) : undefined) ?? callError(thrown, signer, shows)
        );
      });
    if (isDryRun) await printDryRun(session, response);
    else {
      const how = { verbose: input.flag('verbose'), isRaw: input.flag('raw') };
      await printAnswer(session, request, response, offers.at(-1), how).catch(
        async (thrown: unknown) => {
          throw thrown instanceof AnswerBrokenOff ? await brokenOffError(thrown, shows) : thrown;
        },
      );
    }
  },
};

const agentOf = (
  { out, ifStopped }: Session,
  input: Input,
  signer: Signer,
  offers: Offered[],
  isDryRun: boolean,
  shows: (call: Hex) => string,
): Agent => {
  const trace = input.flag('verbose') ? createTrace(out) : undefined;
  const max = amountIn(input.text('max') ?? DEFAULT_MAX, '--max');
  const grant = input.text('grant');
  const timeoutSeconds = input.number('timeout', 1, 86_400);
  return createAgent({
    account: trace?.signer(signer) ?? signer,
    // One call is paid in tokens or by card, never both.
    spend: {
      ...{ perCall: max, total: max, onlyCredit: input.flag('credit') },
      card: { perCall: max, total: max },
    },
    ...(grant === undefined ? {} : { authority: grant as Hex }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(trace === undefined ? {} : { fetch: trace.fetch }),
    // The secret that runs the call after its approval ends with this process.
    approval: 'wait',
    hooks: {
      ...trace?.hooks,
      onApproval: ({ call, expiresAt }) => {
        out.note(
          `waiting until ${isoTime(expiresAt)} for a person: \`countersign approvals approve ${addressOf(signer)} ${call}\``,
        );
        ifStopped(
          `The call ${call} waits for a person, and nothing can run it any more. Its amount is held until its time ends or \`countersign approvals refuse\` releases it.`,
        );
      },
      onOffer: (offered) => {
        offers.push(offered);
        void trace?.hooks.onOffer?.(offered);
        // A server that does not know dry runs would settle an unbound payment.
        return !(isDryRun && offered.binding === 'none');
      },
      onSign: ({ call, amount }) => {
        ifStopped(
          amount > 0n
            ? `The command signed the call ${call} and may have sent it. \`${shows(call)}\` shows its outcome: read it before you call again.`
            : `The command signed the call ${call}, with nothing to pay, and may have sent it: the tool may have run.`,
        );
      },
    },
  });
};

const hintsFor = (signer: Signer): Partial<Readonly<Record<CountersignError['code'], string>>> => ({
  over_per_call: 'Raise --max if you accept the price.',
  over_total: 'Raise --max if you accept the price.',
  credit_refused: `The gateway did not accept credit for this call. \`countersign credits top-up 5 --to ${addressOf(signer)}\` buys credit for the account that called; without --credit the command signs a payment, if the tool accepts one.`,
  allowance_missing: `Approve Permit2 (0x000000000022D473030F116dDEE9F6B43aC78BA3) at the token with ${addressOf(signer)}, or pay from credit: \`countersign credits top-up 5 --to ${addressOf(signer)}\`.`,
  approval_refused: 'Nothing ran and nothing was charged. Ask the owner of the account.',
  signer_failed: 'No signature left this machine. Check the key.',
});

/** An error of the client in terms of this command's options. */
const callError = (thrown: unknown, signer: Signer, shows: (call: Hex) => string): CliError => {
  const error = cliErrorOf(thrown);
  if (!(thrown instanceof CountersignError)) return error;
  const { code, call, offer } = thrown;
  const lost =
    code === 'answer_lost' && call !== undefined
      ? `The call may have run. Do not sign it again: \`${shows(call)}\` shows its outcome.`
      : undefined;
  return new CliError(error.message.replaceAll('authority', '--grant'), {
    hint: lost ?? hintsFor(signer)[code] ?? error.hint,
    exit: error.exit,
    code,
    details: {
      ...error.details,
      ...(offer === undefined
        ? {}
        : { offered: tokenAmount(offer.amount, offer.network, offer.asset), payee: offer.payTo }),
    },
    cause: thrown,
  });
};

/** Returns the error of an answer that broke off, with its charge: from the receipt, or from a look-up. */
const brokenOffError = async (
  thrown: AnswerBrokenOff,
  shows: (call: Hex) => string,
): Promise<CliError> => {
  const { call, code, atMost } = thrown;
  const end = await thrown.final.catch(() => undefined);
  const charge =
    end === undefined
      ? `Its charge is not known yet: at most ${formatDollars(atMost)} (${atMost}).`
      : `It was charged ${formatDollars(end.charged)} (${end.charged}).`;
  return new CliError(`The answer of the call ${call} broke off. ${charge}`, {
    hint: `The call has run. Do not sign it again: \`${shows(call)}\` shows its outcome.`,
    exit: EXIT.incomplete,
    code,
    details: {
      ...(call === undefined ? {} : { call }),
      ...(end === undefined ? { atMost } : { charged: end.charged, ...endOf(end) }),
    },
    cause: thrown,
  });
};

const endOf = ({ usage, end }: FinalReport) => ({
  ...(usage === undefined ? {} : { usage }),
  ...(end === undefined ? {} : { end }),
});

/** The error of a dry run that `onOffer` vetoed; undefined for every other error. */
const refusedDryRun = (thrown: unknown, offers: readonly Offered[]): CliError | undefined => {
  const offered = offers.at(-1);
  if (!(thrown instanceof CountersignError) || thrown.code !== 'vetoed' || offered === undefined)
    return undefined;
  return new CliError('This server does not support dry runs.', {
    hint: 'The command signed nothing. Call without --dry-run to pay the price.',
    code: 'dry_run_unavailable',
    details: { offer: offerText(offered) },
  });
};
