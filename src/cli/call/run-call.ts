import { type Agent, createAgent } from '../../client/agent.ts';
import { CountersignError } from '../../client/errors.ts';
import type { Offered } from '../../client/hooks.ts';
import type { AgentResponse } from '../../client/call-report.ts';
import type { Signer } from '../../client/signer.ts';
import type { Hex } from '../../core/hex.ts';
import type { Input } from '../lib/command.ts';
import { CliError, cliErrorOf } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import { moneyIn } from '../lib/amounts.ts';
import type { Session } from '../lib/session.ts';
import { showAnswer } from './answer.ts';
import { createDance, type Dance, offerText } from './dance.ts';
import { showDryRun } from './dry-run.ts';
import { moneyOf } from './money.ts';
import { type Wanted, wantedOf } from './request.ts';

const MAX = '$0.05';

/** `call`: one request, paid within `--max`. The body goes to stdout as it is, everything else to stderr. */
export const runCall = async (session: Session, input: Input): Promise<void> => {
  const wanted = await wantedOf(session, input);
  const isDryRun = input.flag('dryRun');
  if (isDryRun) wanted.headers.set('Dry-Run', '?1');
  const signer = await session.profile.signer('agent', wanted.origin);
  const offers: Offered[] = [];
  const agent = agentOf(session, input, signer, offers, isDryRun);
  const response = await send(session, agent, wanted).catch((thrown: unknown) => {
    throw isDryRun ? ofDryRun(thrown, offers) : ofCall(thrown);
  });
  if (isDryRun) await showDryRun(session, response);
  else await showAnswer(session, wanted, response, offers.at(-1), input.flag('verbose'));
};

const agentOf = (
  { out, ifStopped }: Session,
  input: Input,
  signer: Signer,
  offers: Offered[],
  isDryRun: boolean,
): Agent => {
  const dance: Dance | undefined = input.flag('verbose') ? createDance(out) : undefined;
  const most = moneyIn(input.text('max') ?? MAX, '--max');
  const grant = input.text('grant');
  const timeoutSeconds = input.number('timeout', 1, 86_400);
  return createAgent({
    account: dance === undefined ? signer : dance.signer(signer),
    spend: { perCall: most, total: most, onlyCredit: input.flag('credit') },
    ...(grant === undefined ? {} : { authority: grant as Hex }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(dance === undefined ? {} : { fetch: dance.fetch }),
    hooks: {
      ...dance?.hooks,
      onOffer: (offered) => {
        offers.push(offered);
        void dance?.hooks.onOffer?.(offered);
        // A payment that is bound to nothing would be taken by a server that knows no dry runs.
        return !(isDryRun && offered.binding === 'none');
      },
      onSign: ({ call, amount }) => {
        ifStopped(
          amount > 0n
            ? `The command signed the call ${call} and may have sent it. Look what became of it before you call again.`
            : `The command signed the call ${call}, for nothing to pay, and may have sent it: the tool may have run.`,
        );
      },
    },
  });
};

const send = async (
  { progress, signal, ifStopped }: Session,
  agent: Agent,
  { url, method, headers, body }: Wanted,
): Promise<AgentResponse> => {
  ifStopped('The command signed nothing. A server that wants no payment may have run the request.');
  return await progress.during(`calling ${new URL(url).host}`, async () =>
    agent.fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) }),
  );
};

const HINTS: Partial<Readonly<Record<CountersignError['code'], string>>> = {
  over_per_call: 'Raise --max, if the price is right.',
  over_total: 'Raise --max, if the price is right.',
  credit_refused:
    'Only credit may pay this call, and the gateway took none: `countersign credits top-up` buys some. If the tool takes payments, leave --credit out.',
  answer_lost: 'The call may have run. Do not sign it again before you know what became of it.',
  signer_failed: 'No signature left the command. Check the key.',
};

const OPTIONS: Readonly<Record<string, string>> = {
  authority: '--grant',
};

/** An error of the client in the words of this command. */
const ofCall = (thrown: unknown): CliError => {
  const error = cliErrorOf(thrown);
  if (!(thrown instanceof CountersignError)) return error;
  const { code, offer } = thrown;
  const message = Object.entries(OPTIONS).reduce(
    (text, [name, flag]) => text.replaceAll(name, flag),
    error.message,
  );
  return new CliError(message, {
    hint: HINTS[code] ?? error.hint,
    exit: error.exit,
    code,
    details: {
      ...error.details,
      ...(offer === undefined
        ? {}
        : { offered: moneyOf(offer.amount, offer.network, offer.asset), payee: offer.payTo }),
    },
    cause: thrown,
  });
};

const ofDryRun = (thrown: unknown, offers: readonly Offered[]): CliError => {
  const offered = offers.at(-1);
  if (!(thrown instanceof CountersignError) || thrown.code !== 'vetoed' || offered === undefined) {
    return ofCall(thrown);
  }
  return new CliError('This server knows no dry runs.', {
    hint: 'Nothing was signed. Call it without --dry-run to pay what it wants.',
    exit: EXIT.failed,
    code: 'dry_run_unavailable',
    details: { offer: offerText(offered) },
  });
};
