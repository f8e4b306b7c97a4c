import { problemText } from './problem-text.ts';
import type { Reason } from './reason.ts';

/** An RFC 9457 problem: its members, and the headers its status calls for. */
export type Problem = {
  readonly members: {
    /** `urn:countersign:problem:<reason in kebab case>`; stable. */
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    /** What the caller can do next. */
    readonly hint: string;
    readonly [member: string]: unknown;
  };
  readonly headers: Readonly<Record<string, string>>;
};

/** What is known of a call besides the reason. */
export type ProblemContext = {
  /** Call id, so that the caller can ask for it later. */
  readonly call?: string;
  /** Where it is written how to sign an intent; shown where that would help. */
  readonly docs?: string;
  /** Headers to add, e.g. RateLimit. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** The answer for a reason: `application/problem+json`, never cacheable (law 10). */
export const problem = (reason: Reason, context: ProblemContext = {}): Response => {
  const { members, headers } = problemOf(reason);
  const body = {
    ...members,
    ...(context.call === undefined ? {} : { call: context.call }),
    ...(context.docs === undefined || !concernsIntent(reason) ? {} : { docs: context.docs }),
  };
  return new Response(JSON.stringify(body), {
    status: members.status,
    headers: {
      ...context.headers,
      ...headers,
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'private, no-store',
    },
  });
};

/** The members and headers alone, for answers that carry more: the 402 and its offer. */
export const problemOf = (reason: Reason): Problem => {
  const { status, title, detail, hint, more, headers = {} } = problemText(reason);
  const type = `urn:countersign:problem:${reason.reason.replaceAll('_', '-')}`;
  // A language model sees the body and often not the headers, so the pause stands in both.
  const after = headers['Retry-After'];
  const pause = after === undefined ? {} : { retry_after: Number(after) };
  return { members: { type, title, status, detail, hint, ...more, ...pause }, headers };
};

const ABOUT_INTENTS: ReadonlySet<Reason['reason']> = new Set([
  'intent_required',
  'intent_mismatch',
  'binding_required',
] as const);

const concernsIntent = (reason: Reason): boolean =>
  ABOUT_INTENTS.has(reason.reason) ||
  (reason.reason === 'denied' && reason.denial.rule === 'binding') ||
  ('field' in reason && /agent-(?:intent|retry-key)/i.test(reason.field));
