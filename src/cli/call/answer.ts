import { lasting } from '../../core/lasting.ts';
import * as z from 'zod/mini';
import type { AgentResponse, CallReport, FinalReport } from '../../client/call-report.ts';
import type { Offered } from '../../client/hooks.ts';
import { readJsonBody } from '../../client/json.ts';
import { usageWords } from '../../protocol/meter/meter-words.ts';
import { RECEIPT_HEADER } from '../../client/receipt-claims.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { countsCalls } from '../../policy/rule-name.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';
import { nameOf } from '../lib/accounts.ts';
import { CliError, Ended, EXIT, problemError } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { fields, printable } from '../lib/text.ts';
import { tokenAmount } from '../lib/units.ts';
import type { CallRequest } from './request.ts';
import { traceReport } from './trace.ts';

/**
 * Writes the body to stdout (on a terminal without control characters) and a summary to stderr.
 *
 * @throws CliError for a refusal of the gateway itself
 */
export const printAnswer = async (
  session: Session,
  request: CallRequest,
  response: AgentResponse,
  offered: Offered | undefined,
  { verbose, isRaw }: { readonly verbose: boolean; readonly isRaw: boolean },
): Promise<void> => {
  const { out } = session;
  const { countersign: report, status } = response;
  if (verbose) traceReport(out, report);
  if (isOfGateway(report)) throw problemError(status, report.problem, await nameOf(session));
  if (out.json) out.result(await documentOf(request, response), () => '');
  else {
    try {
      if (response.body !== null) {
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
          await (isRaw ? out.raw(chunk) : out.bytes(chunk));
      }
    } finally {
      // A body that breaks off may have changed the terminal.
      out.endBytes();
    }
    out.note(summary(out, response, offered, await endOf(response)));
  }
  if (!response.ok) throw new Ended(EXIT.failed);
};

/** A problem without a receipt comes from the gateway, not from the tool behind it. */
const isOfGateway = ({ problem, receipt }: CallReport): boolean =>
  receipt === undefined && problem?.type?.startsWith('urn:countersign:problem:') === true;

const summary = (
  { noteStyle: style }: Output,
  { countersign: report, status, ok }: AgentResponse,
  offered: Offered | undefined,
  end: FinalReport | undefined,
): string => {
  const { attempts } = report;
  const { receipt } = end ?? report;
  const parts = [
    ok ? style.good(String(status)) : style.bad(String(status)),
    end === undefined
      ? 'the charge is not known yet'
      : chargeText({ ...report, charged: end.charged }, offered),
    usageWords(end?.usage),
    end?.end === 'maximum' ? 'ended at the maximum price' : undefined,
    receipt === undefined
      ? undefined
      : receipt.verified
        ? 'receipt verified'
        : style.bad(`receipt does not verify: ${printable(receipt.why)}`),
    attempts > 1 ? `${attempts} attempts` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(style.dim(' · '));
};

/** The effect of the call on the payer's money. A failed call may leave it as credit, or held (`onSilence: keep`). */
const chargeText = (
  { paid, charged, credited, transaction, problem }: CallReport,
  offered: Offered | undefined,
): string => {
  const amount = (value: bigint): string =>
    offered === undefined
      ? formatDollars(value)
      : tokenAmount(value, offered.requirement.network, offered.requirement.asset);
  if (problem?.['money'] === 'held')
    return 'the gateway holds the price until the operator resolves the call';
  if (credited > 0n) return `charged nothing; ${amount(credited)} had moved and is credit now`;
  if (paid === 'none' || charged === 0n) return 'nothing charged';
  if (paid === 'credit') return `paid ${amount(charged)}, from credit`;
  // These move the whole price of a metered call, whatever it charges.
  const isWhole = offered?.requirement.scheme === 'exact' || transaction !== undefined;
  const rest = paid === 'payment' && isWhole ? (offered?.requirement.amount ?? 0n) - charged : 0n;
  return `paid ${amount(charged)}${rest > 0n ? `; the other ${formatDollars(rest)} of the payment becomes credit` : ''}`;
};

/** Returns the cost of an answer whose body has ended. Undefined if its look-up failed. */
const endOf = async ({ countersign }: AgentResponse): Promise<FinalReport | undefined> =>
  await countersign.final.catch(() => undefined);

const documentOf = async (
  { url, method }: CallRequest,
  response: AgentResponse,
): Promise<Readonly<Record<string, unknown>>> => {
  const { countersign: report, status } = response;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const end = await endOf(response);
  const receipt = end?.receipt ?? report.receipt;
  return {
    url,
    method,
    status,
    contentType: response.headers.get('content-type'),
    ...bodyDocument(bytes),
    ...report,
    ...end,
    receipt: receipt === undefined ? null : { ...receipt, token: undefined },
    isChargeKnown: end !== undefined,
    // In the form that `calls refund --receipt` takes.
    agentReceipt: receipt?.verified === true ? receipt.token : response.headers.get(RECEIPT_HEADER),
  };
};

/** JSON as itself, other UTF-8 as a string, everything else in base64. */
const bodyDocument = (bytes: Uint8Array): Readonly<Record<string, unknown>> => {
  const text = decodeUtf8(bytes);
  if (text === undefined) return { bodyBase64: Buffer.from(bytes).toString('base64') };
  try {
    return { body: JSON.parse(text) as unknown };
  } catch {
    return { body: text };
  }
};

const MAX_BODY = 1024 * 1024;

const limitSchema = z.looseObject({
  rule: z.string(),
  limit: z.optional(z.string()),
  remaining: z.string(),
  resets_at: z.optional(z.int()),
});

const verdictSchema = z.looseObject({
  dry_run: z.literal(true),
  verdict: z.string(),
  tool: z.string(),
  price: z.string(),
  paid_from: z.string(),
  policy: z.string(),
  limits: z.array(limitSchema),
});

/** Prints the gateway's verdict on a call that did not run, and what remains of each limit. */
export const printDryRun = async (session: Session, response: AgentResponse): Promise<void> => {
  const { out, now } = session;
  const { problem, charged } = response.countersign;
  if (!response.ok) throw problemError(response.status, problem, await nameOf(session));
  const parsed = verdictSchema.safeParse(await readJsonBody(response, MAX_BODY));
  if (!parsed.success) {
    throw new CliError('The server did not treat the call as a dry run.', {
      hint: 'It requests no payment or does not support dry runs, so the request has run. The command sent nothing else.',
      code: 'dry_run_unavailable',
      details: { status: response.status, charged },
    });
  }
  const verdict = parsed.data;
  const amount = (text: string | undefined, rule: string): string => {
    const value = text === undefined ? undefined : parseAmount(text);
    if (value === undefined) return text ?? '';
    return countsCalls(rule) ? value.toString() : formatDollars(value);
  };
  out.result(verdict, () =>
    [
      fields(
        [
          ['verdict', verdict.verdict],
          ['tool', verdict.tool],
          ['price', amount(verdict.price, 'price')],
          ['paid from', verdict.paid_from],
          ['policy', verdict.policy],
        ],
        out.style.dim,
        out.width,
      ),
      '',
      listed(
        out,
        [
          { title: 'LIMIT' },
          { title: 'OF', align: 'right' },
          { title: 'LEFT', align: 'right' },
          { title: 'RESETS' },
        ],
        verdict.limits.map(({ rule, limit, remaining, resets_at: resetsAt }) => [
          rule,
          amount(limit, rule),
          amount(remaining, rule),
          resetsAt === undefined ? '' : `in ${lasting(resetsAt - now())}`,
        ]),
      ),
    ].join('\n'),
  );
};
