import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { forgetsAt, isOver } from '../log/forget.ts';
import type { AccountState } from '../state.ts';
import { linksOf } from './held-grant.ts';
import { hasUnused } from './share.ts';

/** After this long without a lease an account returns what it did not use. */
const IDLE_GRACE: Seconds = 5;

/** A report about an ended grant that did not arrive is repeated after this long. */
const REPORT_AGAIN: Seconds = 60;

/**
 * Grants whose issuers must get a report: unused money remains although the lease has expired, or the grant has ended and its shares
 * can be forgotten.
 */
export const idleBranches = (state: AccountState, now: Seconds): readonly Hex[] =>
  branchesOf(state).filter(
    (issued) =>
      (isUnused(state, issued, now) && leaseEnd(state, issued) <= now) ||
      isClosing(state, issued, now),
  );

/** Whether shares can be forgotten: every held grant that stands on them is over, and no call holds anything of them. */
export const isClosing = (state: AccountState, issued: Hex, now: Seconds): boolean => {
  const shares = state.tree.shares[issued];
  return (
    shares !== undefined &&
    Object.values(shares).every(({ held }) => held === 0n) &&
    state.held.every(
      (held) => isOver(held, now) || !linksOf(held).some(({ hash }) => hash === issued),
    )
  );
};

/** When the alarm must check for idle shares; undefined if none can become idle. */
export const idleAt = (state: AccountState, now: Seconds): Seconds | undefined => {
  const branches = branchesOf(state);
  const times = [
    ...branches
      .filter((issued) => isUnused(state, issued, now))
      .map((issued) => leaseEnd(state, issued)),
    ...(branches.some((issued) => isClosing(state, issued, now)) ? [now + REPORT_AGAIN] : []),
    ...state.held.map(forgetsAt).filter((at) => at > now),
  ];
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
};

const branchesOf = ({ held }: AccountState): readonly Hex[] => [
  ...new Set(held.flatMap(linksOf).map(({ hash }) => hash)),
];

const isUnused = ({ tree }: AccountState, issued: Hex, now: Seconds): boolean =>
  hasUnused(tree.shares[issued] ?? {}, now);

/** An account that has slept holds no lease any more. */
const leaseEnd = ({ leases }: AccountState, issued: Hex): Seconds =>
  (leases[issued]?.until ?? 0) + IDLE_GRACE;
