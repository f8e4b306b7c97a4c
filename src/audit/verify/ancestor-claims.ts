import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { type Branch, type CallPlace, SLACK } from './branches.ts';
import { type Course, courseOf, firstPlace, heldIn, placesIn } from './times.ts';
import { linksOf, type Named, networkOf } from './replay/binding.ts';
import { textOf } from './replay/members.ts';
import type { Texts } from './replay/texts.ts';
import type { Tally } from './tally.ts';

/** The statement of a call's entry about one ancestor. The account learned the facts with its lease, so they may be 60 s old. */
export type AncestorClaim = {
  readonly ancestor: AccountId;
  /** The grant that the ancestor issued. */
  readonly grant: Hex;
  readonly operator: Hex | undefined;
  readonly owner: Hex | undefined;
  /** Whether the entry is a denial: policies may be absent, and the ancestor may have stopped the account. */
  readonly isDenial: boolean;
  readonly at: Seconds;
  readonly place: CallPlace;
};

/** The claims of an accepted, parked or denied call, nearest ancestor first. */
export const claimsOf = (
  entry: Entry,
  named: readonly Named[],
  place: CallPlace,
  texts: Texts,
): readonly AncestorClaim[] => {
  const isDenial = entry.type === 'call.denied';
  const grant = textOf(isDenial ? entry.outcome?.['authority'] : entry.payment?.['grant']);
  // A top-up spends nothing, so it needs no lease.
  if (entry.payment?.['creditTo'] !== undefined) return [];
  const on = networkOf(entry.account);
  return linksOf(grant as Hex | undefined, texts).map(({ hash, issuer }) => {
    const ancestor = accountId(on, issuer);
    const slot = (kind: Named['kind']): Hex | undefined =>
      named.find((each) => each.kind === kind && each.account === ancestor)?.hash;
    return {
      ...{ ancestor, grant: hash, operator: slot('operator'), owner: slot('owner') },
      ...{ isDenial, at: entry.at, place },
    };
  });
};

export const UNKNOWN = 'the chain of an account above is not in the files';
const RECENT = 'an account above changed a policy, its status or a grant within 65 s of the call';

/** The facts in an ancestor's chain, prepared once for the claims of all descendants' calls. */
export type KnownAncestor = {
  readonly operator: Course<Hex | undefined>;
  readonly owner: Course<Hex | undefined>;
  readonly statuses: Course<string>;
  readonly revocations: Branch['revocations'];
  /** The place of the first revocation of each grant by its id. */
  readonly byId: ReadonlyMap<string, number>;
  /** The places of the revocations by epoch that raised the epoch. */
  readonly byEpoch: readonly number[];
  readonly taken: Branch['taken'];
};

export const knownAncestor = ({
  versions,
  statuses,
  revocations,
  taken,
}: Branch): KnownAncestor => {
  const starts = versions.map(({ at }) => at);
  const byId = new Map<string, number>();
  const byEpoch: number[] = [];
  let highest = 0n;
  for (const [place, { id, epoch }] of revocations.entries()) {
    if (epoch === 0n) {
      if (!byId.has(id)) byId.set(id, place);
    } else if (epoch > highest) {
      highest = epoch;
      byEpoch.push(place);
    }
  }
  const slot = (name: 'operator' | 'owner') =>
    courseOf(
      starts,
      versions.map((version) => version[name]),
    );
  return {
    ...{ operator: slot('operator'), owner: slot('owner'), revocations, byId, byEpoch, taken },
    statuses: courseOf(
      statuses.map(({ at }) => at),
      statuses.map(({ status }) => status),
    ),
  };
};

/**
 * Compares a claim with the ancestor's own chain: its policies, its status and its revocations reach an account within 60 s, and clocks differ
 * by 5 s. So a version that was replaced longer ago, or was never in force, makes the claim false.
 */
export const judgeClaim = (
  claim: AncestorClaim,
  known: KnownAncestor | undefined,
  texts: Texts,
  tally: Tally,
): void => {
  const { place, grant } = claim;
  if (known === undefined) return tally.bound(UNKNOWN);
  const found = [
    ...(claim.isDenial ? [] : [revocationOf(claim, known, texts.delegation(grant))]),
    ...(claim.isDenial ? [] : [statusOf(claim, known)]),
    slotOf(claim, known, 'operator'),
    slotOf(claim, known, 'owner'),
  ];
  const broken = found.find((each) => typeof each === 'object');
  if (broken !== undefined) tally.breakWith({ ...place, ...broken });
  else if (found.includes('perhaps')) tally.bound(RECENT);
  else tally.prove();
};

type Found = 'right' | 'perhaps' | { readonly field: string; readonly reason: string };

const slotOf = (
  { at, isDenial, ...claim }: AncestorClaim,
  known: KnownAncestor,
  slot: 'operator' | 'owner',
): Found => {
  const hash = claim[slot];
  if (isDenial && hash === undefined) return 'right';
  const held = heldIn(known[slot], hash, at - SLACK, at + SLACK);
  if (held === 'always') return 'right';
  return held === 'partly' ? 'perhaps' : { field: 'evidence.policies', reason: 'wrong_policies' };
};

const statusOf = ({ at }: AncestorClaim, { statuses }: KnownAncestor): Found => {
  const held = heldIn(statuses, 'active', at - SLACK, at + SLACK);
  if (held === 'always') return 'right';
  const [, end] = placesIn(statuses.starts, at - SLACK, at + SLACK);
  return held === 'partly'
    ? 'perhaps'
    : { field: 'payment.grant', reason: statuses.values[end - 1] ?? 'frozen' };
};

const revocationOf = (
  { at }: AncestorClaim,
  known: KnownAncestor,
  delegation: ReturnType<Texts['delegation']>,
): Found => {
  const revoked = delegation === undefined ? undefined : revokedAt(known, delegation);
  if (revoked === undefined || at < revoked - SLACK) return 'right';
  return at <= revoked + SLACK ? 'perhaps' : { field: 'payment.grant', reason: 'revoked' };
};

/** When an account revoked a grant first. */
export const revokedAt = (
  { revocations, byId, byEpoch }: KnownAncestor,
  { id, epoch }: AgentDelegation,
): Seconds | undefined => {
  const higher = firstPlace(
    byEpoch.length,
    (place) => (revocations[byEpoch[place] ?? 0]?.epoch ?? 0n) > epoch,
  );
  return revocations[Math.min(byId.get(id) ?? Infinity, byEpoch[higher] ?? Infinity)]?.at;
};
