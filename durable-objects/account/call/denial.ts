import { link } from '../../../src/audit/entry.ts';
import { type Entry } from '../../../src/protocol/entry.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { tripped } from '../log/alerts.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { type AccountState, type DenialBucket, isKnown } from '../state.ts';

/** Equal denials within this time are one entry with a count (design §5). */
export const DENIAL_WINDOW: Seconds = 10;

/**
 * Refuses a call, without claiming its id. A stranger's denial writes nothing (law 12). A known account's first denial by a rule
 * opens a bucket, which is stored; the ones that follow only count in memory, so that a runaway agent costs two rows in ten seconds.
 */
export const deny = (
  state: AccountState,
  call: Call,
  denial: Denial,
  context: Context,
): Decision<{ readonly verdict: 'denied'; readonly denial: Denial }> => {
  const verdict = { verdict: 'denied', denial } as const;
  if (!isKnown(state)) return unchanged(state, verdict);
  const flushed = flushDenials(state, context);
  const { state: known, loose: alerts } =
    denial.rule === 'repeat'
      ? tripped(flushed.state, call, context)
      : { state: flushed.state, loose: [] };
  const open = known.denials.find((bucket) => bucket.rule === denial.rule);
  const bucket: DenialBucket =
    open === undefined
      ? {
          rule: denial.rule,
          since: context.now,
          count: 1,
          tool: call.tool,
          call: call.call,
          request: call.request,
          policy: denial.policy,
          of: ofDenial(denial),
        }
      : { ...open, count: open.count + 1 };
  return {
    state: {
      ...known,
      denials: [...known.denials.filter(({ rule }) => rule !== denial.rule), bucket],
    },
    records: [],
    loose: [...flushed.loose, ...alerts],
    durable: open === undefined || flushed.loose.length + alerts.length > 0,
    verdict,
  };
};

/** Whose rule it was, and how it stood. */
const ofDenial = ({
  account,
  limit,
  param,
  grant,
  authority,
}: Denial): NonNullable<DenialBucket['of']> => ({
  account,
  ...(limit === undefined ? {} : { limit }),
  ...(param === undefined ? {} : { param }),
  ...(grant === undefined ? {} : { grant }),
  ...(authority === undefined ? {} : { authority }),
});

/** Turns every bucket whose ten seconds are over into an entry. */
export const flushDenials = (
  state: AccountState,
  context: Context,
): { readonly state: AccountState; readonly loose: readonly Entry[] } => {
  let head = state.head;
  const loose: Entry[] = [];
  for (const bucket of state.denials) {
    if (context.now < bucket.since + DENIAL_WINDOW) continue;
    const linked = link(head, state.account, context.salt(), {
      type: 'call.denied',
      at: bucket.since,
      call: bucket.call,
      tool: bucket.tool,
      request: bucket.request,
      decision: 'denied',
      rule: bucket.rule,
      count: bucket.count,
      policy: bucket.policy,
      ...(bucket.of === undefined ? {} : { outcome: bucket.of }),
    });
    head = linked.head;
    loose.push(linked.entry);
  }
  if (loose.length === 0) return { state, loose };
  const denials = state.denials.filter(({ since }) => context.now < since + DENIAL_WINDOW);
  return { state: { ...state, head, denials }, loose };
};
