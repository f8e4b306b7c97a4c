import type { Hex, LocalAccount } from 'viem';
import { expect } from 'vitest';
import { agentIntent, signIntent } from './intent.ts';
import type { ToolCall, World } from './world.ts';

/** A limit in `GET /accounts/me` and in problems. */
type LimitBody = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resets_at?: number;
  readonly window?: number;
  readonly account?: string;
};

/** The answer to `GET /accounts/me`. */
type StandingBody = {
  readonly account: string;
  readonly status: string;
  readonly revision: number;
  readonly parent?: string;
  readonly policies: readonly {
    readonly kind: string;
    readonly account: string;
    readonly hash: Hex;
    readonly policy: Readonly<Record<string, unknown>>;
  }[];
  readonly grants: readonly {
    readonly hash: Hex;
    readonly id: Hex;
    readonly issuer: string;
    readonly status: string;
    readonly valid_until: number;
    readonly is_default: boolean;
  }[];
  readonly money: readonly {
    readonly asset: string;
    readonly credit: string;
    readonly credit_held: string;
    readonly held: string;
    readonly unsettled: string;
    readonly debt: string;
    readonly limits: readonly LimitBody[];
  }[];
};

const me: ToolCall = { path: '/accounts/me' };

/** Requests `GET /accounts/me` with the account's signature. */
export const requestStanding = async (world: World, account: LocalAccount): Promise<Response> => {
  const signed = await signIntent(world, account, me, { tool: 'countersign.account' });
  return await world.send(me, agentIntent(signed));
};

export const standingOf = async (world: World, account: LocalAccount): Promise<StandingBody> => {
  const answer = await requestStanding(world, account);
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
  return (await answer.json()) as StandingBody;
};

/** A limit of an account's only asset. */
export const limitIn = (standing: StandingBody, rule: string): LimitBody | undefined =>
  standing.money[0]?.limits.find((limit) => limit.rule === rule);

/** The spent and held amount of a limit. */
export const usedOf = (limit: LimitBody | undefined): bigint =>
  limit === undefined ? 0n : BigInt(limit.spent) + BigInt(limit.held);
