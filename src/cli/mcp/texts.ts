import type { CallToolResult } from '@modelcontextprotocol/server';
import * as z from 'zod/mini';
import {
  CountersignError,
  type ErrorCode,
  isProblem,
  type ProblemBody,
} from '../../client/errors.ts';
import { lasting } from '../../core/lasting.ts';
import { shortText } from '../../core/plain-text.ts';
import { countsCalls } from '../../policy/rule-name.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { type NameOf, nextStep } from '../lib/next-step.ts';
import { isoTime } from '../lib/units.ts';
import type { ParkedCall } from './parked-calls.ts';

/** A text of the bridge itself, for the model. */
export const words = (text: string): CallToolResult['content'][number] => ({
  type: 'text',
  text,
  _meta: { 'countersign/words': true },
});

/** Returns a failure of the bridge as a result with `isError`, because the model must read the reason. */
export const failed = (cause: unknown, more = ''): CallToolResult => ({
  isError: true,
  content: [words(`${messageOf(cause)}${more}`)],
});

/** Names the option of `countersign mcp` that stopped the call. */
const HINTS: Partial<Readonly<Record<ErrorCode, string>>> = {
  over_per_call: 'The owner of this bridge can raise --max.',
  over_total: 'The owner of this bridge can restart it with a higher --total.',
  vetoed: 'The price is above --approve-above, and no person approved it. The bridge paid nothing.',
  approval_refused: 'Nothing ran and nothing was charged. Do not repeat it without asking.',
  answer_lost: 'The call may have run and may have been paid. Do not repeat it without asking.',
};

/** Characters of a failure, at most: its text may come from the server. */
const MAX_MESSAGE = 2_048;

/** States the failure and the next step, never a stack trace. */
export const messageOf = (cause: unknown): string => {
  if (cause instanceof CountersignError) {
    const hint = HINTS[cause.code] ?? cause.problem?.hint ?? cause.hint;
    return shortText(`${cause.message} ${hint}`, MAX_MESSAGE);
  }
  return shortText(cause instanceof Error ? cause.message : String(cause), MAX_MESSAGE);
};

/**
 * Tells the model that a call waits, and how to continue it. No `isError`: some hosts repeat a failed call, and the repeat would be a
 * second call.
 */
export const stillWaiting = (parked: ParkedCall): CallToolResult => {
  const { tool, price, payer, saved } = parked;
  const { call, expiresAt } = saved;
  return {
    content: [
      words(
        `The call of ${tool}${price === '' ? '' : ` for ${price}`} waits for a person. Nothing was charged. ` +
          `Ask the owner to approve it before ${isoTime(expiresAt)}: \`countersign approvals approve ${payer} ${call}\`, or in the dashboard. ` +
          `Then use the tool call_again with ${againWith(call)}: it returns the answer. Do not call ${tool} again: that would be another call.`,
      ),
    ],
  };
};

/** The arguments of `call_again`. */
export const againWith = (call: string): string => JSON.stringify({ call });

/** Adds the command that lifts a denial: the hint of the gateway is for programs, and names the account by a field. */
export const withNextStep = (result: CallToolResult, nameOf: NameOf): CallToolResult => {
  const problem =
    result.isError === true ? (result.structuredContent as ProblemBody | undefined) : undefined;
  if (!isProblem(problem, 'denied')) return result;
  const step = nextStep('denied', problem, nameOf);
  return step === undefined ? result : { ...result, content: [...result.content, words(step)] };
};

const reportSchema = z.object({
  charged: z.string(),
  limits: z.array(
    z.object({
      ...{ rule: z.string(), remaining: z.string() },
      ...{ limit: z.optional(z.string()), resetsIn: z.optional(z.number()) },
    }),
  ),
});

/**
 * Adds the cost of the call and what remains to the result as text: hosts do not show `_meta` to the model.
 *
 * @param remaining atomic units that the bridge may still sign for
 */
export const withSpending = (result: CallToolResult, remaining: bigint): CallToolResult => {
  const { success, data } = reportSchema.safeParse(result._meta?.['countersign/report']);
  if (!success) return result;
  const limits = data.limits.map(({ rule, remaining: left, limit, resetsIn }) => {
    const amount = (text: string): string =>
      countsCalls(rule) ? `${text} calls` : formatDollars(BigInt(text));
    const of = limit === undefined ? '' : ` of ${amount(limit)}`;
    const reset = resetsIn === undefined ? '' : `, resets in ${lasting(resetsIn)}`;
    return `${shortText(rule, 64)} ${amount(left)}${of}${reset}`;
  });
  const text = [
    `Charged ${formatDollars(BigInt(data.charged))}.`,
    ...(limits.length === 0 ? [] : [`Left at the gateway: ${limits.join('; ')}.`]),
    `This bridge may spend ${formatDollars(remaining)} more.`,
  ];
  return { ...result, content: [...result.content, words(text.join(' '))] };
};
