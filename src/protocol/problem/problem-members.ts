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

/** The members and headers alone, for answers that carry more: the 402 and its offer. */
export const problemOf = (reason: Reason): Problem => {
  const { status, title, detail, hint, more, headers = {} } = problemText(reason);
  const type = `urn:countersign:problem:${reason.reason.replaceAll('_', '-')}`;
  // A language model sees the body and often not the headers, so the pause stands in both.
  const after = headers['Retry-After'];
  const pause = after === undefined ? {} : { retry_after: Number(after) };
  return { members: { type, title, status, detail, hint, ...more, ...pause }, headers };
};
