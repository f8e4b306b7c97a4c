import { activeTraceId } from '../../tracing/trace.ts';
import type { Reason } from './reason.ts';

/** The context of a problem besides its reason. */
export type ProblemContext = {
  /** Call id, which the caller can look up later. */
  readonly call?: string;
  /** URL of the page that explains how to sign an intent. Only problems that concern an intent show it. */
  readonly docs?: string;
  /** Headers to add, e.g. RateLimit. */
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * Builds the answer for a reason: `application/problem+json` (RFC 9457), never cacheable (law 10). The texts are a tenth of the Worker's
 * code, so an isolate loads them with its first problem.
 */
export const problem = async (reason: Reason, context: ProblemContext = {}): Promise<Response> => {
  const { problemOf } = await import('./reason.ts');
  const { members, headers } = problemOf(reason);
  const trace = activeTraceId();
  const body = {
    ...members,
    ...(context.call === undefined ? {} : { call: context.call }),
    ...(trace === undefined ? {} : { trace }),
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

const ABOUT_INTENTS: ReadonlySet<Reason['reason']> = new Set([
  'intent_required',
  'intent_mismatch',
  'binding_required',
] as const);

const concernsIntent = (reason: Reason): boolean =>
  ABOUT_INTENTS.has(reason.reason) ||
  (reason.reason === 'denied' && reason.denial.rule === 'binding') ||
  ('field' in reason && /agent-(?:intent|retry-key)/i.test(reason.field));
