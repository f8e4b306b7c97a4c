import type { Every } from '../../src/policy/window.ts';
import type { Kind, Size } from './kind.ts';
import type { Random } from './random.ts';

/** Limits of a scenario in atomic units, relative to what its calls want to spend. */
export type Budget = {
  /** The lowest and highest price of a call. */
  readonly least: bigint;
  readonly most: bigint;
  /** The tightest limit. */
  readonly tight: bigint;
  /** A part of the tightest limit, for one agent. */
  readonly part: bigint;
  /** The owner's limit in scenarios whose tightest limit is elsewhere. */
  readonly backstop: bigint;
  /** More than all calls can spend. */
  readonly ample: bigint;
};

export type Limits = {
  readonly windows: readonly {
    readonly every: Exclude<Every, 'lifetime'>;
    readonly limit: bigint;
  }[];
  readonly lifetime?: bigint;
};

export type GrantLimits = {
  readonly total?: bigint;
  readonly window?: { readonly seconds: number; readonly limit: bigint };
};

const AMPLE = 1_000_000_000_000n;
const MAX_PRICE: Readonly<Record<Size, bigint>> = { tiny: 5n, medium: 100n, large: 10_000n };
/** The clock jumps several minutes during the calls, so one minute sees only part of the demand. */
const MINUTES = 6n;

/** Draws the limits of a scenario with `wanted` calls. */
export const budgetOf = (kind: Kind, size: Size, wanted: number, random: Random): Budget => {
  const most = MAX_PRICE[size];
  const demand = (BigInt(wanted) * most) / 2n / (kind === 'minute' ? MINUTES : 1n);
  const tight =
    size === 'tiny'
      ? random.amount(1n, 50n)
      : (demand * random.amount(10n, 60n)) / 100n + random.amount(1n, most);
  return {
    least: 1n,
    most,
    tight,
    part: tight / 6n + 1n,
    backstop: tight + random.amount(0n, tight),
    ample: AMPLE,
  };
};

type Role = 'owner' | 'manager' | 'agent';

/** Draws the limits of one account, and of its grant within the grant `parent`. */
export const limitsOf = (
  kind: Kind,
  role: Role,
  budget: Budget,
  random: Random,
  parent: GrantLimits = {},
): {
  readonly operator: Limits;
  readonly owner: Limits | undefined;
  readonly grant: GrantLimits;
} => {
  const own = ownOf(kind, role, budget, random);
  const byOwner = random.chance(0.5);
  return {
    operator: byOwner ? { windows: [] } : own,
    owner: byOwner ? own : random.chance(0.3) ? widened(own, budget) : undefined,
    grant: within(parent, grantOf(kind, role, budget, random)),
  };
};

const ownOf = (kind: Kind, role: Role, budget: Budget, random: Random): Limits => {
  const { tight, part, backstop } = budget;
  const window = (every: Exclude<Every, 'lifetime'>, limit: bigint): Limits => ({
    windows: [{ every, limit }],
  });
  if (role === 'owner') {
    switch (kind) {
      case 'day':
      case 'hour':
        return window(kind, tight);
      case 'minute':
        return window(60, tight);
      case 'lifetime':
        return { windows: [], lifetime: tight };
      case 'credit':
        return { windows: [] };
      case 'total':
      case 'grantWindow':
      case 'manager':
      case 'own':
        return random.chance(0.5) ? window('day', backstop) : { windows: [], lifetime: backstop };
      case 'mixed':
        return { ...window('day', tight), lifetime: backstop };
    }
  }
  if (role === 'manager' && kind === 'manager') {
    return random.chance(0.5)
      ? window('hour', (tight * 2n) / 3n + 1n)
      : { windows: [], lifetime: tight };
  }
  if (kind === 'own' || (kind === 'mixed' && random.chance(0.3))) {
    return random.chance(0.5) ? window('day', part) : { windows: [], lifetime: part };
  }
  return { windows: [] };
};

const grantOf = (kind: Kind, role: Role, { tight, part }: Budget, random: Random): GrantLimits => {
  const limit = role === 'manager' ? (tight * 2n) / 3n + 1n : part;
  const limits = role === 'manager' || random.chance(0.4);
  if (kind === 'total' && limits) return { total: limit };
  if (kind === 'grantWindow' && limits) {
    return { window: { seconds: random.pick([3_600, 86_400]), limit } };
  }
  return kind === 'mixed' && random.chance(0.3) ? { total: limit } : {};
};

/** Narrows a grant to its parent grant, because accounts reject a wider one. */
const within = (parent: GrantLimits, { total, window }: GrantLimits): GrantLimits => {
  const bound = parent.window;
  const least = (one: bigint | undefined, other: bigint | undefined): bigint | undefined =>
    one === undefined ? other : other === undefined || one < other ? one : other;
  const narrowTotal = least(total, parent.total);
  const narrowWindow =
    bound === undefined
      ? window
      : {
          seconds: Math.max(bound.seconds, window?.seconds ?? 0),
          limit: least(bound.limit, window?.limit) ?? bound.limit,
        };
  return {
    ...(narrowTotal === undefined ? {} : { total: narrowTotal }),
    ...(narrowWindow === undefined ? {} : { window: narrowWindow }),
  };
};

/** The same windows with higher limits, for the second policy of an account: both policies share one counter. */
const widened = ({ windows }: Limits, { tight }: Budget): Limits => ({
  windows: windows.map(({ every, limit }) => ({ every, limit: limit + tight })),
});
