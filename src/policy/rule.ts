import type * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { Param } from '../protocol/account/call.ts';
import type { Status } from '../protocol/account/command.ts';
import type { LimitState, PolicyRule } from '../protocol/account/denial.ts';
import type { Wording } from '../protocol/problem/words.ts';

/**
 * One rule of a policy, in one file: its fields in the policy document, its check and the wording of its denials. `policy.ts` lists the rules
 * in the order in which `evaluate` checks them; `denial-words.ts` and `field-words.ts` have its words for people.
 *
 * @typeParam Name names of its denials on the wire. A check that denies by another name does not build.
 */
export type Rule<Fields, Name extends PolicyRule = PolicyRule> = {
  /** Schemas of the rule's fields. Every field is optional: without it the policy sets no limit of this kind. */
  readonly shape: Readonly<Record<string, z.ZodMiniType>>;
  /** The wording of each denial, by its name on the wire. */
  readonly denials: Readonly<Record<Name, DenialWording>>;
  /** Returns why the rule denies the call, or undefined. Pure and cheap: it runs inside the deciding transaction (law 2). */
  readonly check?: (
    policy: Fields,
    source: RuleSource,
    subject: Subject,
    now: Seconds,
  ) => Refusal<Name> | undefined;
  /** The rule also applies to top-ups. They only move money to credit, so no limit on spending counts them. */
  readonly checksTopUps?: true;
};

/** `final`: the wording of a denial that waiting cannot lift, if the rule has both kinds. */
export type DenialWording = Wording & { readonly final?: Wording };

/** Why a rule denies a call. */
export type Refusal<Name extends PolicyRule = PolicyRule> = {
  readonly rule: Name;
  readonly counter?: SpendCounter;
  readonly limit?: LimitState;
  /** Set only if a later call can pass. */
  readonly retryAfter?: Seconds;
  /** The declared parameter of a condition. */
  readonly param?: string;
};

/** The author of a limit and the account that it belongs to. `hash`: of the policy, or of the delegation. */
export type Origin = {
  readonly kind: 'default' | 'operator' | 'owner' | 'grant' | 'lease';
  readonly account: AccountId;
  readonly hash: Hex;
};

/** The counter of a limit on money. Atomic units. */
export type SpendCounter = {
  readonly rule: 'window' | 'lifetime';
  /** `day`, `3600s`, `lifetime`: as shown to people. */
  readonly name: string;
  readonly limit: bigint;
  readonly spent: bigint;
  readonly held: bigint;
  /** Parts of `held` that are leased to children: the unused part, and the part that their running calls hold. */
  readonly lent?: { readonly unused: bigint; readonly held: bigint };
  readonly resetsAt?: Seconds;
  readonly window?: Seconds;
};

/** How often each request was sent since `since`, by request digest. */
export type Repeats = Readonly<Record<string, { readonly since: Seconds; readonly count: number }>>;

/** One source of limits with what it has counted so far, as rules see it. */
export type RuleSource = {
  /** Names the source's counters: `base`, `owner`, the hash of a grant, or an ancestor's. */
  readonly key: string;
  readonly origin: Origin;
  readonly status: Status;
  readonly counters: readonly SpendCounter[];
  /** GCRA arrival time, milliseconds; absent if another account counts the rate. */
  readonly arrival?: number;
  /** Absent if another account counts repeats. */
  readonly repeats?: Repeats;
  /** Only for an owner's policy: the account that wrote it. */
  readonly writer?: AccountId;
};

/** A call as policies see it. */
export type Subject = {
  readonly tool: string;
  readonly payTo: Address;
  readonly asset: AssetId;
  /** Atomic units; 0 for a free call. */
  readonly price: bigint;
  /** The call only moves money to credit. Limits count the money when it is spent. */
  readonly topUp: boolean;
  readonly binding: 'none' | 'intent';
  readonly validBefore: Seconds;
  /** Digest of the request, for `repeat`. */
  readonly request: Hex;
  readonly params: Readonly<Record<string, Param>>;
};

/** Builds a limit in amounts, with what remains (never below zero). */
export const amounts = (rule: string, limit: bigint, spent: bigint, held: bigint): LimitState => {
  const remaining = limit - spent - held;
  return {
    rule,
    limit: limit.toString(),
    spent: spent.toString(),
    held: held.toString(),
    remaining: (remaining > 0n ? remaining : 0n).toString(),
  };
};

export const counterState = (
  { rule, name, limit, spent, held, resetsAt, window }: SpendCounter,
  prefix = '',
): LimitState => ({
  ...amounts(prefix + (rule === 'window' ? `window:${name}` : rule), limit, spent, held),
  ...(resetsAt === undefined ? {} : { resetsAt }),
  ...(window === undefined ? {} : { window }),
});

/** Returns the prefix of a source's limits: two policies may each limit a day, so their limits need two names. */
export const prefixOf = ({ origin: { kind } }: RuleSource): string =>
  kind === 'owner' || kind === 'grant' ? `${kind}:` : '';

/** Adds the account that a limit belongs to, unless the limit comes from the operator. */
export const attributed = ({ origin }: RuleSource, limit: LimitState): LimitState =>
  origin.kind === 'default' || origin.kind === 'operator'
    ? limit
    : { ...limit, account: origin.account };
