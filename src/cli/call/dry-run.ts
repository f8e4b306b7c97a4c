import { problemError } from '../lib/error-of.ts';
import { CliError } from '../lib/errors.ts';
import { listed } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';
import { lasting } from '../lib/text.ts';
import type { AgentResponse } from '../../client/call-report.ts';
import { readJsonBody } from '../../client/json.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';
import * as z from 'zod/mini';

const MAX_BODY = 1024 * 1024;

const limitSchema = z.looseObject({
  rule: z.string(),
  limit: z.optional(z.string()),
  remaining: z.string(),
  resets_at: z.optional(z.int()),
});

const schema = z.looseObject({
  dry_run: z.literal(true),
  verdict: z.string(),
  tool: z.string(),
  price: z.string(),
  paid_from: z.string(),
  policy: z.string(),
  limits: z.array(limitSchema),
});

/** Rules that count calls. */
const COUNTS = new Set(['rate', 'denial_rate', 'failure_rate', 'repeat']);

/** Prints the gateway's verdict on a call that did not run, and what remains of each limit. */
export const printDryRun = async (
  { out, now }: Session,
  response: AgentResponse,
): Promise<void> => {
  const { problem, charged } = response.countersign;
  if (!response.ok) throw problemError(response.status, problem);
  const parsed = schema.safeParse(await readJsonBody(response, MAX_BODY));
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
    return COUNTS.has(rule) ? value.toString() : formatDollars(value);
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
