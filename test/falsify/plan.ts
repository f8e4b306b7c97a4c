import { type Budget, budgetOf, type GrantLimits, type Limits, limitsOf } from './budget.ts';
import type { Kind, Size } from './kind.ts';
import type { Random } from './random.ts';

/** An account to create: its place in the tree, what pays for its calls, and its limits. */
export type MemberPlan = {
  readonly name: string;
  /** Index of the parent. The owner's is its own index. */
  readonly parent: number;
  readonly level: number;
  readonly pays: 'lent' | 'credit' | 'payment';
  readonly credit: bigint;
  readonly operator: Limits;
  readonly owner: Limits | undefined;
  /** Each grant is a child of the parent's grant at index `by`. */
  readonly grants: readonly GrantPlan[];
};

export type GrantPlan = GrantLimits & { readonly by: number };

/** An owner, two managers and six agents, with chains of up to three grants. */
export type Plan = {
  readonly kind: Kind;
  readonly size: Size;
  readonly budget: Budget;
  /** The owner comes first, and every parent before its children. */
  readonly members: readonly MemberPlan[];
};

const AGENTS = 8;
const MANAGERS = 2;
const LEVELS = 3;

export const planOf = (kind: Kind, size: Size, calls: number, random: Random): Plan => {
  const budget = budgetOf(kind, size, calls * (AGENTS + 1), random.fork('budget'));
  const members: MemberPlan[] = [ownerOf(kind, budget, random.fork('owner'))];
  for (let at = 1; at <= AGENTS; at += 1) {
    const draw = random.fork(`member ${at}`);
    const parent = at <= MANAGERS ? 0 : parentOf(at, members, draw);
    members.push(memberOf(kind, budget, members, at, parent, draw));
  }
  return { kind, size, budget, members };
};

/** The third account is a child of the first manager, and the fourth a child of the third, so every plan has a chain of three grants. */
const parentOf = (at: number, members: readonly MemberPlan[], random: Random): number => {
  if (at <= MANAGERS + 2) return at === MANAGERS + 1 ? 1 : at - 1;
  const parents = members.flatMap(({ level }, index) =>
    index > 0 && level < LEVELS ? [index] : [],
  );
  return random.pick([1, ...parents]);
};

const ownerOf = (kind: Kind, budget: Budget, random: Random): MemberPlan => ({
  name: 'owner',
  parent: 0,
  level: 0,
  pays: 'credit',
  credit: kind === 'credit' ? budget.tight : budget.ample,
  ...limitsOf(kind, 'owner', budget, random),
  grants: [],
});

const memberOf = (
  kind: Kind,
  budget: Budget,
  members: readonly MemberPlan[],
  at: number,
  parent: number,
  random: Random,
): MemberPlan => {
  const parentGrants = members[parent]?.grants ?? [];
  const level = (members[parent]?.level ?? 0) + 1;
  const manages = at <= MANAGERS;
  const pays = paysOf(kind, random);
  // Some accounts hold two grants of one issuer: two branches that count in the same counters of their ancestors.
  const held = Array.from({ length: random.chance(0.2) ? 2 : 1 }, (): GrantPlan => {
    const by = random.integer(0, Math.max(0, parentGrants.length - 1));
    const grants = manages ? 'manager' : 'agent';
    return { by, ...limitsOf(kind, grants, budget, random, parentGrants[by]).grant };
  });
  return {
    name: `${manages ? 'manager' : 'agent'} ${at}`,
    parent,
    level,
    pays,
    credit: pays !== 'credit' ? 0n : kind === 'credit' ? budget.part : budget.ample,
    ...limitsOf(kind, manages ? 'manager' : 'agent', budget, random),
    grants: held,
  };
};

const paysOf = (kind: Kind, random: Random): MemberPlan['pays'] => {
  const drawn = random.pick(['lent', 'lent', 'lent', 'credit', 'payment'] as const);
  return kind === 'credit' && drawn === 'payment' ? 'lent' : drawn;
};
