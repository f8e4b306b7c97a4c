import { isObject } from '../../core/json-object.ts';
import * as z from 'zod/mini';
import { err } from '../../core/result.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { durationIn } from '../lib/units.ts';
import {
  createDraft,
  type Import,
  type ImportDraft,
  type Imported,
  mapRecords,
  unitsOf,
  unknownFields,
} from './records.ts';

const short = z.nullish(z.string().check(z.maxLength(512)));

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
  budget_duration: short,
  rpm_limit: count,
  tpm_limit: count,
  max_parallel_requests: count,
  model_max_budget: z.nullish(z.record(z.string(), z.unknown())),
};

const SECRET = 'is a key itself, not its hash: export keys with return_full_object=true';

/** A row of LiteLLM's keys, users, teams or customers. */
const rowSchema = z
  .looseObject({
    ...BUDGET,
    token: z.nullish(
      z.string().check(
        z.maxLength(512),
        z.refine((token) => !token.startsWith('sk-'), SECRET),
      ),
    ),
    ...{ key_alias: short, team_alias: short, user_alias: short, alias: short },
    ...{ user_email: short, key_name: short, team_id: short, user_id: short },
    models: z.nullish(z.array(z.string().check(z.maxLength(256))).check(z.maxLength(1000))),
    expires: z.nullish(z.string().check(z.maxLength(64))),
    blocked: z.nullish(z.boolean()),
    spend: z.nullish(z.number()),
    litellm_budget_table: z.nullish(z.looseObject(BUDGET)),
  })
  .check(
    z.refine((row) => idOf(row) !== undefined, {
      path: ['token'],
      message: 'is required unless user_id or team_id is there',
    }),
  );

type Row = z.output<typeof rowSchema>;

/** Fields that the importer reads, or that limit nothing. */
const KNOWN = new Set([
  ...Object.keys(BUDGET),
  ...`token key_name key_alias team_id team_alias user_id user_alias user_email alias models expires blocked spend
    litellm_budget_table metadata aliases config keys created_at created_by updated_at updated_by budget_reset_at last_active
    last_refreshed_at model_spend team_spend soft_budget_cooldown members admins members_with_roles teams user_role sso_user_id
    api_key rotation_count budget_id key_count litellm_model_table model_id`.split(/\s+/),
]);

const idOf = (row: Readonly<Record<string, unknown>>): string | undefined => {
  const id = row['token'] ?? row['team_id'] ?? row['user_id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
};

/** The rows of an export in any of LiteLLM's forms; undefined if it holds none. */
const rowsIn = (json: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(json)) return json.some((row) => typeof row === 'string') ? undefined : json;
  if (!isObject(json)) return undefined;
  for (const [inner, id] of [
    ['info', 'key'],
    ['user_info', 'user_id'],
    ['team_info', 'team_id'],
  ] as const) {
    const row = json[inner];
    if (!isObject(row)) continue;
    // /key/info repeats what the caller gave, next to the row: the hash of the key, or the key itself.
    const name = id === 'key' ? 'token' : id;
    return [{ ...row, [name]: row[name] ?? json[id] }];
  }
  for (const name of ['keys', 'users', 'teams', 'data'] as const) {
    const list = json[name];
    if (Array.isArray(list) && idOf(json) === undefined)
      return list.some((row) => typeof row === 'string') ? undefined : list;
  }
  return idOf(json) === undefined ? undefined : [json];
};

export type LitellmOptions = {
  /** Treat names of models as ids of tools. */
  readonly modelsAsTools: boolean;
};

const SHAPE =
  'must be keys, users or teams: the answer of /key/list (with return_full_object=true), /key/info, /user/list, /team/list, or an array of rows';

/** Converts budgets exported from LiteLLM to policies. */
export const importLitellm = (json: unknown, options: LitellmOptions): Import => {
  const rows = rowsIn(json);
  return rows === undefined
    ? err([{ field: '', reason: SHAPE }])
    : mapRecords(rows, rowSchema, (row) => policyFrom(row, options));
};

const policyFrom = (row: Row, options: LitellmOptions): Imported => {
  const draft = createDraft();
  const budget = <K extends keyof typeof BUDGET>(field: K) =>
    row[field] ?? row.litellm_budget_table?.[field] ?? undefined;
  const duration = budget('budget_duration');
  mapBudget(budget('max_budget'), budget('soft_budget'), duration, row.spend ?? 0, draft);
  mapRate(budget('rpm_limit'), draft);
  if (budget('tpm_limit') !== undefined)
    draft.notMapped('tpm_limit', 'limits tokens per minute; a gateway sees calls, not tokens');
  if (budget('max_parallel_requests') !== undefined)
    draft.notMapped('max_parallel_requests', 'a policy limits rate and money, not parallel calls');
  if (Object.keys(budget('model_max_budget') ?? {}).length > 0)
    draft.notMapped(
      'model_max_budget',
      'the windows of a policy cover all its tools; give each model an account of its own',
    );
  mapModels(row.models ?? [], options, draft);
  mapExpiry(row.expires ?? '', draft);
  if (row.blocked === true) {
    draft.policy.tools = [];
    draft.approximated(
      'blocked',
      'became a policy that allows nothing; `countersign freeze` is the exact equivalent',
    );
  }
  if (typeof row.token === 'string' && typeof row.team_id === 'string')
    draft.notMapped(
      'team_id',
      'the budget of the team also limits this key: import teams, and grant to the key from the account of its team',
    );
  for (const name of unknownFields(row, KNOWN))
    draft.notMapped(name, 'this command does not know the field');
  const alias = row.key_alias ?? row.team_alias ?? row.user_alias ?? row.alias;
  const name = alias ?? row.user_email ?? row.key_name ?? undefined;
  return { id: idOf(row) ?? '', name, policy: draft.policy, notes: draft.notes };
};

const mapBudget = (
  max: number | string | undefined,
  soft: number | string | undefined,
  duration: string | undefined,
  spend: number,
  draft: ImportDraft,
): void => {
  if (max === undefined) {
    if (soft !== undefined)
      draft.notMapped('soft_budget', 'is a share of max_budget, which is missing');
    return;
  }
  const limit = unitsOf(max);
  if (limit === undefined) return draft.notMapped('max_budget', 'is more than a policy can hold');
  if (!limit.exact) draft.approximated('max_budget', 'rounded down to a millionth of a dollar');
  const window = duration === undefined || duration === '' ? undefined : windowOf(duration);
  if (window !== undefined && 'notMapped' in window) {
    draft.notMapped('budget_duration', window.notMapped);
    return draft.notMapped('max_budget', 'has no window without its budget_duration');
  }
  if (window?.approximated !== undefined)
    draft.approximated('budget_duration', window.approximated);
  const amountText = formatDollars(limit.amount);
  if (window === undefined) draft.policy.lifetime = amountText;
  else draft.policy.windows = [{ every: window.every, limit: amountText }];
  if (spend > 0)
    draft.notMapped('spend', 'the limit begins anew; the policy does not carry over earlier spend');
  if (soft !== undefined) mapSoftBudget(soft, limit.amount, draft);
};

const mapSoftBudget = (soft: number | string, max: bigint, draft: ImportDraft): void => {
  const units = unitsOf(soft);
  const hundredfold = (units?.amount ?? 0n) * 100n;
  const percent = max === 0n ? 0n : hundredfold / max;
  if (units === undefined || percent < 1n || percent > 99n)
    return draft.notMapped('soft_budget', 'is not between 1 and 99 % of max_budget');
  if (hundredfold % max !== 0n)
    draft.approximated('soft_budget', `rounded down to ${percent} % of max_budget`);
  draft.policy.softPercent = Number(percent);
};

type Every = NonNullable<PolicyDocument['windows']>[number]['every'];

export type ImportedWindow =
  | { readonly every: Every; readonly approximated?: string }
  | { readonly notMapped: string };

const DAY = 86_400;
const LONGEST = 366 * DAY;

/**
 * The window of a `budget_duration`. LiteLLM resets `1d` at midnight, `1h` on the hour, `7d` on Mondays, `30d` and `1mo` on the 1st,
 * and other durations from when they were set (its `duration_parser.py`). Windows of a policy follow the calendar, or count from the
 * Unix epoch.
 */
export const windowOf = (duration: string): ImportedWindow => {
  const text = duration.trim();
  if (text === '1mo') return { every: 'month' };
  if (/^[0-9]+mo$/.test(text)) return { notMapped: 'a policy has no window of several months' };
  const seconds = /[smhdw]$/.test(text) ? durationIn(text) : undefined;
  if (seconds === undefined)
    return { notMapped: `${JSON.stringify(duration)} is not a duration such as 30d or 1h` };
  if (seconds > LONGEST) return { notMapped: 'is longer than 366 days, the maximum of a window' };
  if (seconds === 3600) return { every: 'hour' };
  if (seconds === DAY) return { every: 'day' };
  if (text === '30d')
    return {
      every: 'month',
      approximated: 'LiteLLM resets 30d on the 1st of the month, so it became a month (UTC)',
    };
  if (DAY % seconds === 0) return { every: seconds };
  const from =
    seconds === 7 * DAY
      ? 'LiteLLM counts weeks from Monday'
      : 'LiteLLM counts from when the budget was set';
  return {
    every: seconds,
    approximated: `${from}, a policy in periods of ${seconds} s from the Unix epoch`,
  };
};

const MAX_CALLS = 1_000_000;

const mapRate = (calls: number | undefined, draft: ImportDraft): void => {
  if (calls === undefined) return;
  if (calls === 0) {
    draft.policy.tools = [];
    draft.approximated('rpm_limit', 'allows no call, so the policy allows nothing');
  } else if (calls > MAX_CALLS)
    draft.notMapped('rpm_limit', `allows more than ${MAX_CALLS} calls, the maximum of a rate`);
  else draft.policy.rate = { limit: calls, seconds: 60 };
};

const TOOL = /^(?:\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*)$/;
const EVERYTHING = new Set(['*', 'all-proxy-models', 'all-team-models']);
const MAX_TOOLS = 64;

const mapModels = (
  models: readonly string[],
  { modelsAsTools }: LitellmOptions,
  draft: ImportDraft,
): void => {
  if (models.length === 0 || models.some((model) => EVERYTHING.has(model))) return;
  if (!modelsAsTools)
    return draft.notMapped(
      'models',
      `${models.length} models are not tools; --models-as-tools treats their names as ids of tools`,
    );
  const tools = [...new Set(models)].filter((model) => TOOL.test(model));
  for (const model of models.filter((each) => !TOOL.test(each)))
    draft.notMapped(
      'models',
      `${JSON.stringify(model)} is not a valid tool id, so the policy does not allow it`,
    );
  if (tools.length > MAX_TOOLS)
    draft.notMapped('models', `a policy names at most ${MAX_TOOLS} tools; it allows no others`);
  draft.policy.tools = tools.slice(0, MAX_TOOLS);
};

const mapExpiry = (expires: string, draft: ImportDraft): void => {
  if (expires === '') return;
  // Postgres prints no zone for times in UTC.
  const hasZone = /(?:Z|[+-][0-9]{2}:?[0-9]{2})$/.test(expires);
  const at = Date.parse(hasZone ? expires : `${expires.replace(' ', 'T')}Z`);
  if (Number.isNaN(at)) draft.notMapped('expires', `${JSON.stringify(expires)} is not a time`);
  else draft.policy.validUntil = Math.floor(at / 1000);
};
