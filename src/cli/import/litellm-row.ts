import * as z from 'zod/mini';
import { isObject } from '../lib/imported.ts';

const text = z.nullish(z.string().check(z.maxLength(512)));
const AMOUNT = 'must be a number of dollars, not below zero';
const amount = z.nullish(
  z
    .union([z.number(), z.string().check(z.maxLength(64))], AMOUNT)
    .check(z.refine((value) => /^[0-9.eE+-]+$/.test(String(value)) && Number(value) >= 0, AMOUNT)),
);
const count = z.nullish(z.int().check(z.gte(0)));

const BUDGET = {
  max_budget: amount,
  soft_budget: amount,
  budget_duration: text,
  rpm_limit: count,
  tpm_limit: count,
  max_parallel_requests: count,
  model_max_budget: z.nullish(z.record(z.string(), z.unknown())),
};

const SECRET = 'is a key itself, not its hash: export keys with return_full_object=true';
/** A row of LiteLLM's keys, users, teams or customers, as its list and info endpoints give it. */
export const rowSchema = z
  .looseObject({
    ...BUDGET,
    token: z.nullish(
      z.string().check(
        z.maxLength(512),
        z.refine((token) => !token.startsWith('sk-'), SECRET),
      ),
    ),
    key_name: text,
    key_alias: text,
    team_id: text,
    team_alias: text,
    user_id: text,
    user_alias: text,
    user_email: text,
    alias: text,
    models: z.nullish(z.array(z.string().check(z.maxLength(256))).check(z.maxLength(1000))),
    expires: z.nullish(z.string().check(z.maxLength(64))),
    blocked: z.nullish(z.boolean()),
    spend: z.nullish(z.number()),
    litellm_budget_table: z.nullish(z.looseObject(BUDGET)),
  })
  .check(
    z.refine((row) => idOf(row) !== undefined, {
      path: ['token'],
      message: 'must be there, or user_id or team_id',
    }),
  );

export type Row = z.output<typeof rowSchema>;

/** What limits nothing, or is read elsewhere. */
export const KNOWN = new Set([
  ...Object.keys(BUDGET),
  ...[
    'token',
    'key_name',
    'key_alias',
    'team_id',
    'team_alias',
    'user_id',
    'user_alias',
    'user_email',
    'alias',
  ],
  ...[
    'models',
    'expires',
    'blocked',
    'spend',
    'litellm_budget_table',
    'metadata',
    'aliases',
    'config',
    'keys',
  ],
  ...[
    'created_at',
    'created_by',
    'updated_at',
    'updated_by',
    'budget_reset_at',
    'last_active',
    'last_refreshed_at',
  ],
  ...[
    'model_spend',
    'team_spend',
    'soft_budget_cooldown',
    'members',
    'admins',
    'members_with_roles',
    'teams',
  ],
  ...[
    'user_role',
    'sso_user_id',
    'api_key',
    'rotation_count',
    'budget_id',
    'key_count',
    'litellm_model_table',
    'model_id',
  ],
]);

export const idOf = ({
  token,
  team_id: team,
  user_id: user,
}: { readonly [K in 'token' | 'team_id' | 'user_id']?: unknown }): string | undefined => {
  const id = token ?? team ?? user;
  return typeof id === 'string' && id !== '' ? id : undefined;
};

/** The rows of an export, in any of the forms that LiteLLM gives them; undefined where there are none. */
export const recordsIn = (json: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(json)) return json.some((row) => typeof row === 'string') ? undefined : json;
  if (!isObject(json)) return undefined;
  for (const [inner, id] of [
    ['info', 'key'],
    ['user_info', 'user_id'],
    ['team_info', 'team_id'],
  ] as const) {
    const row = json[inner];
    if (isObject(row)) {
      // /key/info names the key beside its row, and by what the caller gave: its hash, or the key itself.
      const name = id === 'key' ? 'token' : id;
      return [{ ...row, [name]: row[name] ?? json[id] }];
    }
  }
  for (const name of ['keys', 'users', 'teams', 'data'] as const) {
    const list = json[name];
    if (Array.isArray(list) && idOf(json) === undefined)
      return list.some((row) => typeof row === 'string') ? undefined : list;
  }
  return idOf(json) === undefined ? undefined : [json];
};
