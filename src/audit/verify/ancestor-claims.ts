import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { type Branch, type CallPlace, SLACK } from './branches.ts';
import { linksOf, type Named, networkOf } from './replay/binding.ts';
import { textOf } from './replay/members.ts';
import type { Texts } from './replay/texts.ts';
import type { Tally } from './tally.ts';

/** What the entry of a call says about one account above it. The account learns it with its lease, so it may be 60 s old. */
export type AncestorClaim = {
  readonly ancestor: AccountId;
  /** The grant that the ancestor issued. */
  readonly grant: Hex;
  readonly operator: Hex | undefined;
  readonly owner: Hex | undefined;
  /** Of a denial: policies may be absent, and the ancestor may have stopped the account. */
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

const UNKNOWN = 'the chain of an account above is not in the files';
const RECENT = 'an account above changed a policy, its status or a grant within 65 s of the call';

/**
 * Compares a claim with the ancestor's own chain: its policies, its status and its revocations reach an account within 60 s, and clocks differ
 * by 5 s. So a version that was replaced longer ago, or was never in force, makes the claim false.
 */
export const judgeClaim = (
  claim: AncestorClaim,
  branch: Branch | undefined,
  texts: Texts,
  tally: Tally,
): void => {
  const { place, grant } = claim;
  if (branch === undefined) return tally.bound(UNKNOWN);
  const found = [
    ...(claim.isDenial ? [] : [revocationOf(claim, branch, texts.delegation(grant))]),
    ...(claim.isDenial ? [] : [statusOf(claim, branch)]),
    slotOf(claim, branch, 'operator'),
    slotOf(claim, branch, 'owner'),
  ];
  const broken = found.find((each) => typeof each === 'object');
  if (broken !== undefined) tally.breakWith({ ...place, ...broken });
  else if (found.includes('perhaps')) tally.bound(RECENT);
  else tally.prove();
};

type Found = 'right' | 'perhaps' | { readonly field: string; readonly reason: string };

/** What may have been in force at a time, as an account below knew it. */
const near = <T extends { readonly at: Seconds }>(
  versions: readonly T[],
  at: Seconds,
): readonly T[] =>
  versions.filter((version, index) => {
    const to = versions[index + 1]?.at ?? Number.MAX_SAFE_INTEGER;
    return version.at <= at + SLACK && at - SLACK < to;
  });

const slotOf = (
  { at, isDenial, ...claim }: AncestorClaim,
  { versions }: Branch,
  slot: 'operator' | 'owner',
): Found => {
  const hash = claim[slot];
  if (isDenial && hash === undefined) return 'right';
  const known = near(versions, at);
  if (known.every((version) => version[slot] === hash)) return 'right';
  return known.some((version) => version[slot] === hash)
    ? 'perhaps'
    : { field: 'evidence.policies', reason: 'wrong_policies' };
};

const statusOf = ({ at }: AncestorClaim, { statuses }: Branch): Found => {
  const known = near(statuses, at);
  if (known.every(({ status }) => status === 'active')) return 'right';
  return known.some(({ status }) => status === 'active')
    ? 'perhaps'
    : { field: 'payment.grant', reason: known.at(-1)?.status ?? 'frozen' };
};

const revocationOf = (
  { at }: AncestorClaim,
  { revocations }: Branch,
  delegation: ReturnType<Texts['delegation']>,
): Found => {
  if (delegation === undefined) return 'right';
  const first = revocations.find(({ id, epoch }) =>
    epoch === 0n ? id === delegation.id : delegation.epoch < epoch,
  );
  if (first === undefined || at < first.at - SLACK) return 'right';
  return at <= first.at + SLACK ? 'perhaps' : { field: 'payment.grant', reason: 'revoked' };
};
