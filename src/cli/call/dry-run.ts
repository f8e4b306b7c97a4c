import * as z from 'zod/mini';
import type { AgentResponse } from '../../client/call-report.ts';
import { readJsonBody } from '../../client/json.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';
import { CliError, problemError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { fields, table } from '../lib/table.ts';
import { lasting } from '../lib/text.ts';

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

const COUNTS = new Set(['rate', 'denial_rate', 'failure_rate', 'repeat']);

/** What would happen: the gateway's verdict, and what is left of each limit. */
export const showDryRun = async ({ out, now }: Session, response: AgentResponse): Promise<void> => {
  const { problem } = response.countersign;
  if (!response.ok) throw problemError(response.status, problem);
  const parsed = schema.safeParse(await readJsonBody(response, MAX_BODY));
  if (!parsed.success) {
    throw new CliError('The server answered as if this were no dry run.', {
      hint: 'It wanted no payment, or knows no dry runs: the request has run. Nothing more was sent.',
      code: 'dry_run_unavailable',
      details: { status: response.status, charged: response.countersign.charged },
    });
  }
  const told = parsed.data;
  const amount = (text: string | undefined, rule: string): string => {
    const value = text === undefined ? undefined : parseAmount(text);
    if (value === undefined) return text ?? '';
    return COUNTS.has(rule) ? value.toString() : formatDollars(value);
  };
  out.result(told, () =>
    [
      fields(
        [
          ['verdict', told.verdict],
          ['tool', told.tool],
          ['price', amount(told.price, 'price')],
          ['paid from', told.paid_from],
          ['policy', told.policy],
        ],
        out.style.dim,
        out.width,
      ),
      '',
      table(
        [
          { title: 'LIMIT' },
          { title: 'OF', align: 'right' },
          { title: 'LEFT', align: 'right' },
          { title: 'RESETS' },
        ],
        told.limits.map(({ rule, limit, remaining, resets_at: resetsAt }) => [
          rule,
          amount(limit, rule),
          amount(remaining, rule),
          resetsAt === undefined ? '' : `in ${lasting(resetsAt - now())}`,
        ]),
        out.width,
        (text, _, row) => (row === 'title' ? out.style.dim(text) : text),
      ),
    ].join('\n'),
  );
};
