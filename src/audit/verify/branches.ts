import type { Seconds } from '../../core/clock.ts';
import { type Hex, ZERO_HASH } from '../../core/hex.ts';
import { windowName } from '../../policy/window.ts';
import { accountId, type AccountId, type AssetId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { factsIf } from '../../protocol/log/facts.ts';
import type { Place } from './check.ts';
import { limitsOf, linksOf, type Named, networkOf } from './replay/binding.ts';
import { countedOf, type ReplayedCall } from './replay/call.ts';
import { amountOf } from './replay/members.ts';
import type { Texts } from './replay/texts.ts';

/** The place of a call's acceptance. */
export type CallPlace = Place & { readonly account: AccountId; readonly seq: number };

/** Where a call was accepted, and the policies that its entry lists. */
export type Acceptance = { readonly place: CallPlace; readonly named: readonly Named[] };

/** A call of a descendant, as an ancestor counts it. */
export type BranchCall = {
  readonly borrower: AccountId;
  /** The grant that the ancestor issued, and the parent grant that it holds; empty if it is an owner. */
  readonly grant: Hex;
  readonly parent: Hex | '';
  readonly asset: AssetId;
  readonly at: Seconds;
  readonly amount: bigint;
  /** Whether the credit of the ancestor paid. */
  readonly isLent: boolean;
  /** The ancestor's own policies that its lease brought: hashes that the acceptance lists. */
  readonly policies: readonly Hex[];
  readonly place: CallPlace;
};

/** The amount that an account itself spent of one of its counters in one period. */
export type OwnSpend = {
  readonly asset: AssetId;
  readonly name: string;
  readonly start: Seconds;
  readonly amount: bigint;
  readonly place: CallPlace;
};

/** The two policies of an account from a time on. */
type Version = { readonly at: Seconds; readonly operator?: Hex; readonly owner?: Hex };

/** The facts about one account that totals need. */
export type Branch = {
  readonly account: AccountId;
  readonly versions: Version[];
  readonly children: Set<AccountId>;
  readonly own: Map<string, OwnSpend>;
  readonly below: BranchCall[];
  readonly statuses: { readonly at: Seconds; readonly status: string }[];
  readonly revocations: Revoked[];
  /** The grants that it took. */
  readonly taken: { readonly at: Seconds; readonly issuer: string | undefined }[];
};

/** A revocation of one grant by its id, or of all grants with a lower epoch. */
type Revoked = { readonly at: Seconds; readonly id: string; readonly epoch: bigint };

export const newBranch = (account: AccountId): Branch => ({
  account,
  versions: [{ at: 0 }],
  children: new Set(),
  own: new Map(),
  below: [],
  statuses: [{ at: 0, status: 'active' }],
  revocations: [],
  taken: [],
});

/** Notes what an entry says about the account's policies and children. */
export const noteEntry = (branch: Branch, logged: Entry): void => {
  const entry = factsIf(
    logged,
    ...(['account.policy', 'account.status', 'grant.revoked'] as const),
    ...(['grant.taken', 'grant.issued', 'grant.accepted'] as const),
  );
  if (entry === undefined) return;
  const { at, decision } = entry;
  switch (entry.type) {
    case 'account.policy': {
      const { hash } = entry.outcome;
      const slot = decision === 'owner' ? 'owner' : 'operator';
      const { [slot]: _, ...others } = branch.versions.at(-1) ?? { at };
      const set = typeof hash === 'string' ? { [slot]: hash as Hex } : {};
      branch.versions.push({ ...others, ...set, at: notBefore(branch.versions, at) });
      return;
    }
    case 'account.status': {
      const { status } = entry.outcome;
      if (status === undefined) return;
      branch.statuses.push({ at: notBefore(branch.statuses, at), status });
      return;
    }
    case 'grant.revoked': {
      const { revocation } = entry.evidence;
      if (revocation === undefined) return;
      const { id = '', epoch } = revocation;
      branch.revocations.push({ at, id, epoch: amountOf(epoch) ?? 0n });
      return;
    }
    case 'grant.taken':
      branch.taken.push({ at, issuer: entry.evidence.delegation?.issuer });
      return;
    case 'grant.issued': {
      const delegate = entry.evidence.delegation?.delegate;
      if (decision !== 'active' || delegate === undefined) return;
      branch.children.add(accountId(networkOf(branch.account), delegate as Hex));
      return;
    }
    case 'grant.accepted':
      if (entry.outcome.delegate !== undefined)
        branch.children.add(entry.outcome.delegate as AccountId);
  }
};

/** The chain orders its entries; a clock may have stepped back between two of them. */
const notBefore = (earlier: readonly { readonly at: Seconds }[], at: Seconds): Seconds =>
  Math.max(at, earlier.at(-1)?.at ?? 0);

/** Counts an ended account's call in its own counters, and in those of every ancestor. */
export const countCall = (
  branchOf: (account: AccountId) => Branch,
  account: AccountId,
  call: ReplayedCall,
  { place, named }: Acceptance,
  texts: Texts,
): void => {
  const amount = countedOf(call);
  if (amount === 0n || call.creditTo !== undefined) return;
  const { asset, at } = call;
  const { own } = branchOf(account);
  for (const { name, start } of call.heldIn) {
    const key = `${asset} ${name} ${start}`;
    const sum = (own.get(key)?.amount ?? 0n) + amount;
    own.set(key, { asset, name, start, amount: sum, place });
  }
  const on = networkOf(account);
  for (const { hash: grant, issuer, parent } of linksOf(call.grant, texts)) {
    const ancestor = accountId(on, issuer);
    const policies = named.flatMap(({ kind, account: of, hash }) =>
      of === ancestor && kind !== 'grant' ? [hash] : [],
    );
    branchOf(ancestor).below.push({
      ...{ borrower: account, grant, asset, at, amount, policies, place },
      isLent: call.lender === grant,
      parent: parent === ZERO_HASH ? '' : parent,
    });
  }
};

/** How far clocks of accounts may differ, and how long a policy takes to reach every descendant. */
export const SLACK: Seconds = 65;

/** A limit of an account while it is in force. */
export type InForce = { readonly from: Seconds; readonly to: Seconds; readonly limit: bigint };

/**
 * The limits of an account's own policies by counter. If two policies share a counter, the lower limit applies.
 *
 * @param standard the default policy; undefined if it is not known which one was in force.
 */
export const limitsOver = (
  { versions }: Branch,
  asset: AssetId,
  texts: Texts,
  standard: Hex | undefined,
): ReadonlyMap<string, readonly InForce[]> => {
  const found = new Map<string, InForce[]>();
  for (const [at, version] of versions.entries()) {
    const from = version.at;
    const to = versions[at + 1]?.at ?? Number.MAX_SAFE_INTEGER;
    const least = new Map<string, bigint>();
    for (const hash of [version.operator ?? standard, version.owner]) {
      const policy = hash === undefined ? undefined : texts.policy(hash);
      for (const { every, limit } of policy === undefined ? [] : limitsOf(policy, asset)) {
        const name = windowName(every);
        const known = least.get(name);
        if (known === undefined || limit < known) least.set(name, limit);
      }
    }
    for (const [name, limit] of least) {
      const known = found.get(name) ?? [];
      known.push({ from, to, limit });
      found.set(name, known);
    }
  }
  return found;
};
