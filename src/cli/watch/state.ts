import { countsCalls } from '../../protocol/account/denial.ts';
import { parseAmount } from '../../protocol/amount.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { type Decision, shownAt } from '../tail/decision.ts';

/** What one part of the dashboard shows. Times in Unix seconds, amounts in atomic units. */
export type Part<T> =
  | { readonly kind: 'waiting' }
  /** `asOf`: everything older is in it; undefined if the gateway cannot tell. */
  | { readonly kind: 'known'; readonly value: T; readonly asOf: number | undefined }
  /** The gateway refuses it to this key. `why` ends with the next step. */
  | { readonly kind: 'closed'; readonly why: string };

/** A decision with the name of its account. */
export type Line = Decision & { readonly agent: string };

/** One limit of one account. */
export type Budget = {
  readonly account: string;
  readonly agent: string;
  readonly rule: string;
  readonly limit: bigint;
  readonly spent: bigint;
  readonly held: bigint;
  readonly left: bigint;
  readonly resetsAt: number | undefined;
};

/** Payments in one state. `at`: of the oldest open or kept one, of the newest of another state. */
export type SettlementRow = {
  readonly state: string;
  readonly count: number;
  /** Whether there are more than `count`. */
  readonly isLeast: boolean;
  readonly amount: bigint | undefined;
  readonly at: number | undefined;
};

export type Settlements = {
  readonly rows: readonly SettlementRow[];
  /** Which key would see more. */
  readonly note?: string;
};

export type Alerts = {
  /** Newest first. */
  readonly lines: readonly Line[];
  readonly deadLetters: { readonly count: number; readonly oldest: number | undefined } | undefined;
};

export type Health =
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'ok';
      readonly isPaused: boolean;
      readonly ms: number;
      readonly at: number;
      /** Settlement backends that are paused now; undefined if this key may not see backends. */
      readonly stopped: readonly string[] | undefined;
    }
  | {
      readonly kind: 'gone';
      readonly since: number;
      readonly why: string;
      readonly retryAt: number;
    };

export type WatchState = {
  readonly gateway: string;
  /** Name of the key, and its role. */
  readonly signer: string;
  readonly health: Health;
  readonly decisions: Part<readonly Line[]>;
  /** Tightest first. */
  readonly budgets: Part<readonly Budget[]>;
  readonly settlements: Part<Settlements>;
  readonly alerts: Part<Alerts>;
};

const WAITING = { kind: 'waiting' } as const;

export const emptyState = (gateway: string, signer: string): WatchState => ({
  ...{ gateway, signer, health: WAITING, decisions: WAITING, budgets: WAITING },
  ...{ settlements: WAITING, alerts: WAITING },
});

/** Decisions that the dashboard keeps, and alerts. */
const MAX_LINES = 200;
const MAX_ALERTS = 50;

/**
 * Adds decisions, newest first. One entry is one decision, however many feeds and lists show it; the log says more of a call than a list,
 * whose lines have no `seq`.
 */
export const withLines = (known: readonly Line[], added: readonly Line[]): readonly Line[] => {
  const lines = new Map<string, Line>();
  for (const line of [...known, ...added]) {
    const before = lines.get(keyOf(line));
    if (before === undefined || before.seq === 0) lines.set(keyOf(line), line);
  }
  return [...lines.values()]
    .toSorted((one, other) => shownAt(other) - shownAt(one) || other.seq - one.seq)
    .slice(0, MAX_LINES);
};

const keyOf = ({ account, seq, call, type }: Line): string =>
  type === 'call.accepted' && call !== undefined ? `${account} ${call}` : `${account} ${seq}`;

/** The alerts among decisions. */
export const alertsIn = (lines: readonly Line[]): readonly Line[] =>
  lines.filter(({ verdict }) => verdict === 'alert').slice(0, MAX_ALERTS);

type Standing = Pick<AnswerOf<'account.get'>, 'money'>;

/** The limits of an account in money. A rate counts calls: it is no budget. */
export const budgetsOf = (account: string, agent: string, { money }: Standing): readonly Budget[] =>
  money
    .flatMap(({ asset, limits }) => limits.map((limit) => ({ asset, limit })))
    .filter(({ limit: { rule } }) => !countsCalls(rule))
    .map(({ asset, limit }) => ({
      // The same limit counts tokens and fiat apart.
      ...{ account, agent, rule: isFiat(asset) ? `card:${limit.rule}` : limit.rule },
      resetsAt: limit.resets_at,
      ...{ limit: units(limit.limit), spent: units(limit.spent), held: units(limit.held) },
      left: units(limit.remaining),
    }));

const units = (text: string): bigint => parseAmount(text) ?? 0n;

/** The tightest first: by the part that is left, then by the amount. */
export const tightest = (budgets: readonly Budget[]): readonly Budget[] =>
  budgets.toSorted((one, other) => {
    // Cross-multiplied: bigint division would round.
    const [a, b] = [one.left * (other.limit || 1n), other.left * (one.limit || 1n)];
    if (a !== b) return a < b ? -1 : 1;
    return one.left < other.left ? -1 : one.left > other.left ? 1 : 0;
  });

/** The state for programs: amounts in atomic units, times in Unix seconds, `as_of` of each part. */
export const stateDocument = (state: WatchState, now: number) => ({
  at: now,
  gateway: state.gateway,
  health: healthDocument(state.health),
  decisions: partDocument(state.decisions, (items) => ({ items })),
  budgets: partDocument(state.budgets, (budgets) => ({
    items: budgets.map(({ resetsAt, ...budget }) => ({
      ...budget,
      ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
    })),
  })),
  settlements: partDocument(state.settlements, ({ rows, note }) => ({
    items: rows.map(({ isLeast, ...row }) => ({ ...row, at_least: isLeast })),
    ...(note === undefined ? {} : { note }),
  })),
  alerts: partDocument(state.alerts, ({ lines, deadLetters }) => ({
    items: lines,
    ...(deadLetters === undefined ? {} : { dead_letters: deadLetters.count }),
  })),
});

const partDocument = <T>(part: Part<T>, write: (value: T) => object): object => {
  if (part.kind !== 'known') return part.kind === 'closed' ? { closed: part.why } : {};
  return { ...(part.asOf === undefined ? {} : { as_of: part.asOf }), ...write(part.value) };
};

const healthDocument = (health: Health): object => {
  switch (health.kind) {
    case 'waiting':
      return { status: 'unknown' };
    case 'gone':
      return { status: 'gone', since: health.since, why: health.why };
    case 'ok':
      return {
        ...{ status: health.isPaused ? 'paused' : 'ok', ms: health.ms, as_of: health.at },
        ...(health.stopped === undefined ? {} : { backends_paused: health.stopped }),
      };
  }
};
