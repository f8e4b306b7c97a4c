import type { WireFault } from '../fault.ts';
import { type CallReason, callTexts } from './call.ts';
import { type CommandReason, commandTexts, type DocumentReason, documentTexts } from './command.ts';
import { type DeniedReason, deniedTexts } from './denial.ts';
import { type GatewayReason, gatewayTexts } from './gateway.ts';
import { type GrantReason, grantTexts } from './grant.ts';
import type { ProblemText, Texts } from './problem-text.ts';
import { type MismatchReason, mismatchTexts, type ProofReason, proofTexts } from './proof.ts';
import { type SessionReason, sessionTexts } from './session.ts';
import { type RequestReason, requestTexts, wireTexts } from './request.ts';
import {
  type ToolChangedReason,
  type UpstreamErrorReason,
  type UpstreamUsageReason,
  upstreamErrorTexts,
  type UpstreamReason,
  upstreamTexts,
} from './upstream.ts';

/**
 * Why the gateway answers instead of a tool. `reason` discriminates and, in kebab case, ends the `type` of the problem: these names are
 * final. Each group has a file with its reasons and their texts. Faults of x402, intents and headers are members themselves, so that
 * no mapping can lose one.
 */
export type Reason =
  | WireFault
  | MismatchReason
  | RequestReason
  | ProofReason
  | SessionReason
  | CallReason
  | DeniedReason
  | CommandReason
  | GrantReason
  | DocumentReason
  | GatewayReason
  | UpstreamReason
  | UpstreamErrorReason
  | UpstreamUsageReason
  | ToolChangedReason;

/** A problem of RFC 9457: its members, and the headers that its status requires. */
export type Problem = {
  readonly members: {
    /** `urn:countersign:problem:<reason in kebab case>`; stable. */
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    /** The next step for the caller. */
    readonly hint: string;
    /** Only for a 503 that a repeat with the same proof would get again. */
    readonly final?: true;
    readonly [member: string]: unknown;
  };
  readonly headers: Readonly<Record<string, string>>;
};

/** Every reason has a text: the build fails for a group that is missing here, and in the group for a reason without a text. */
export const problemTexts: Texts<Reason> = {
  ...wireTexts,
  ...mismatchTexts,
  ...requestTexts,
  ...proofTexts,
  ...sessionTexts,
  ...callTexts,
  ...deniedTexts,
  ...commandTexts,
  ...grantTexts,
  ...documentTexts,
  ...gatewayTexts,
  ...upstreamTexts,
  ...upstreamErrorTexts,
};

/** A person who reads the hint does not see the members that it names, so fill in their values. */
const withTimes = (
  hint: string,
  after: string | undefined,
  { resets_at: at }: NonNullable<ProblemText['more']> = {},
): string => {
  const named =
    typeof at === 'number'
      ? hint.replace('`resets_at`', new Date(at * 1000).toISOString().replace('.000Z', 'Z'))
      : hint;
  return after === undefined ? named : named.replaceAll('`retry_after`', after);
};

/** Builds the members and headers of a problem, without a response: the 402 adds its offer to them. */
export const problemOf = (reason: Reason): Problem => {
  const textOf = problemTexts[reason.reason] as (reason: Reason) => ProblemText;
  const { status, title, detail, hint, final, more, headers = {} } = textOf(reason);
  const type = `urn:countersign:problem:${reason.reason.replaceAll('_', '-')}`;
  // A language model reads the body and often not the headers, so the pause is in both.
  const after = headers['Retry-After'];
  const pause = after === undefined ? {} : { retry_after: Number(after) };
  const end = final === true ? { final } : {};
  const words = { type, title, status, detail, hint: withTimes(hint, after, more) };
  return { members: { ...words, ...end, ...more, ...pause }, headers };
};
