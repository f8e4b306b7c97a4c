import type { SignedGrant } from '../../src/protocol/account/grant.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Every } from '../../src/policy/window.ts';
import { topUp, trust } from '../durable-objects/support.ts';
import { grantOf, register, setPolicy, ZERO } from '../durable-objects/tree-support.ts';
import type { GrantLimits, Limits } from './budget.ts';
import type { MemberPlan, Plan } from './plan.ts';
import type { Random } from './random.ts';

/** An account of the tree, with its own Durable Object. */
export type Member = {
  readonly name: string;
  readonly payer: Hex;
  readonly pays: MemberPlan['pays'];
  readonly credit: bigint;
  /** The grants under which the member calls. The owner has one empty branch. */
  readonly branches: readonly Branch[];
};

/** A grant of a member, followed by its ancestors, nearest first. Empty for the owner's own calls. */
export type Branch = readonly SignedGrant[];

/** A limit on an account and its descendants, or on all calls that use a grant. */
export type Limit = {
  readonly name: string;
  /** Address of the account, or hash of the grant. */
  readonly of: Hex;
  readonly every: Every;
  readonly most: bigint;
};

export type Fleet = { readonly members: readonly Member[]; readonly limits: readonly Limit[] };

const ENOUGH = 1_000_000_000_000n;
const DAYS = 86_400;

/** Creates the accounts, policies, credit and grants of a plan. */
export const buildFleet = async (plan: Plan, random: Random): Promise<Fleet> => {
  const members: Member[] = [];
  const limits: Limit[] = [];
  for (const each of plan.members) {
    const payer = random.hex(20);
    const parent = members[each.parent];
    // Without a rate limit, because each account makes a thousand concurrent calls.
    await setPolicy(payer, { exposure: `${ENOUGH}u` });
    if (each.credit > 0n) await topUp(payer, each.credit);
    if (each.pays === 'payment') await trust(payer, ENOUGH, 100n * ENOUGH);
    const branches =
      parent === undefined ? [[]] : await registerGrants(payer, parent, each, random);
    for (const [slot, own] of [
      ['operator', each.operator],
      ['owner', each.owner],
    ] as const) {
      if (own === undefined) continue;
      await setPolicy(
        payer,
        { ...(slot === 'operator' ? { exposure: `${ENOUGH}u` } : {}), ...documentOf(own) },
        slot,
      );
      limits.push(...limitsOf(own, payer, `${each.name}, ${slot}`));
    }
    each.grants.forEach((grant, at) => {
      const hash = branches[at]?.[0]?.hash;
      if (hash !== undefined) limits.push(...grantLimits(grant, hash, `${each.name}, grant ${at}`));
    });
    members.push({ name: each.name, payer, pays: each.pays, credit: each.credit, branches });
  }
  return { members, limits };
};

const registerGrants = async (
  payer: Hex,
  parent: Member,
  plan: MemberPlan,
  random: Random,
): Promise<Branch[]> => {
  const branches: Branch[] = [];
  for (const { by, total, window } of plan.grants) {
    const ancestors = parent.branches[by] ?? [];
    const grant = grantOf(parent.payer, payer, {
      id: random.hex(32),
      depth: 3 - plan.level,
      parent: ancestors[0]?.hash ?? ZERO,
      validUntil:
        ancestors[0]?.delegation.validUntil ?? BigInt(Math.floor(Date.now() / 1_000) + 30 * DAYS),
      ...(total === undefined ? {} : { maxTotal: total }),
      ...(window === undefined
        ? {}
        : { windowSeconds: BigInt(window.seconds), maxPerWindow: window.limit }),
    });
    const verdict = await register(grant);
    if (verdict.verdict !== 'applied') throw new Error(`${plan.name}: ${JSON.stringify(verdict)}`);
    branches.push([grant, ...ancestors]);
  }
  return branches;
};

const documentOf = ({ windows, lifetime }: Limits): object => ({
  windows: windows.map(({ every, limit }) => ({ every, limit: `${limit}u` })),
  ...(lifetime === undefined ? {} : { lifetime: `${lifetime}u` }),
});

const limitsOf = ({ windows, lifetime }: Limits, of: Hex, name: string): Limit[] => [
  ...windows.map(({ every, limit }) => ({ name, of, every, most: limit })),
  ...(lifetime === undefined ? [] : [{ name, of, every: 'lifetime' as const, most: lifetime }]),
];

const grantLimits = ({ total, window }: GrantLimits, of: Hex, name: string): Limit[] => [
  ...(total === undefined ? [] : [{ name, of, every: 'lifetime' as const, most: total }]),
  ...(window === undefined ? [] : [{ name, of, every: window.seconds, most: window.limit }]),
];

/** Returns the limits that count a call under a branch: those of the caller, of its ancestors, and of every grant between them. */
export const boundBy = (limits: readonly Limit[], { payer }: Member, branch: Branch): Limit[] => {
  const all = new Set<Hex>([
    payer,
    ...branch.flatMap(({ hash, delegation }) => [hash, delegation.issuer]),
  ]);
  return limits.filter(({ of }) => all.has(of));
};
