import { formatDollars } from '../../protocol/amount.ts';
import { err } from '../../core/result.ts';
import { unitsOf } from '../lib/decimal.ts';
import {
  type Import,
  type Imported,
  newSheet,
  readRecords,
  type Sheet,
  unread,
} from '../lib/imported.ts';
import { idOf, KNOWN, recordsIn, type Row, rowSchema } from './litellm-row.ts';
import { spanOf } from './litellm-duration.ts';

export type LitellmOptions = {
  /** Take names of models for ids of tools. */
  readonly modelsAsTools: boolean;
};

const SHAPE =
  'must be keys, users or teams: the answer of /key/list (with return_full_object=true), /key/info, /user/list, /team/list, or an array of rows';

/** Budgets that LiteLLM has exported, as policies. */
export const importLitellm = (json: unknown, options: LitellmOptions): Import => {
  const records = recordsIn(json);
  return records === undefined
    ? err([{ field: '', reason: SHAPE }])
    : readRecords(records, rowSchema, (row) => mapped(row, options));
};

const mapped = (row: Row, options: LitellmOptions): Imported => {
  const sheet = newSheet();
  const table = row.litellm_budget_table;
  const budget = {
    max: row.max_budget ?? table?.max_budget ?? undefined,
    soft: row.soft_budget ?? table?.soft_budget ?? undefined,
    duration: row.budget_duration ?? table?.budget_duration ?? undefined,
  };
  const calls = row.rpm_limit ?? table?.rpm_limit ?? undefined;
  budgetOf(budget, row.spend ?? 0, sheet);
  if (calls !== undefined) rateOf(calls, sheet);
  if ((row.tpm_limit ?? table?.tpm_limit ?? undefined) !== undefined)
    sheet.lost('tpm_limit', 'tokens per minute: a gateway sees calls, not tokens');
  if ((row.max_parallel_requests ?? table?.max_parallel_requests ?? undefined) !== undefined)
    sheet.lost('max_parallel_requests', 'a policy limits rate and money, not calls at once');
  if (Object.keys(row.model_max_budget ?? table?.model_max_budget ?? {}).length > 0)
    sheet.lost(
      'model_max_budget',
      'a policy has windows for all its tools together; an account for each model has its own',
    );
  modelsOf(row.models ?? [], options, sheet);
  expiryOf(row.expires ?? undefined, sheet);
  if (row.blocked === true) {
    sheet.policy.tools = [];
    sheet.nearly(
      'blocked',
      'became a policy that allows nothing; `countersign freeze` says it better',
    );
  }
  if (typeof row.token === 'string' && typeof row.team_id === 'string')
    sheet.lost(
      'team_id',
      'the budget of its team binds it as well: import teams, and grant to it from the account of its team',
    );
  for (const name of unread(row, KNOWN)) sheet.lost(name, 'is not known to this command');
  const name =
    row.key_alias ??
    row.team_alias ??
    row.user_alias ??
    row.alias ??
    row.user_email ??
    row.key_name ??
    undefined;
  return { id: idOf(row) ?? '', name, policy: sheet.policy, notes: sheet.notes };
};

type Budget = {
  readonly max: number | string | undefined;
  readonly soft: number | string | undefined;
  readonly duration: string | undefined;
};

const budgetOf = ({ max, soft, duration }: Budget, spend: number, sheet: Sheet): void => {
  if (max === undefined) {
    if (soft !== undefined)
      sheet.lost('soft_budget', 'is a share of max_budget, and there is none');
    return;
  }
  const limit = unitsOf(max);
  if (limit === undefined) {
    sheet.lost('max_budget', 'is more than a policy can hold');
    return;
  }
  if (!limit.exact) sheet.nearly('max_budget', 'was rounded down to a millionth of a dollar');
  const span = duration === undefined || duration === '' ? undefined : spanOf(duration);
  if (span !== undefined && 'lost' in span) {
    sheet.lost('budget_duration', span.lost);
    sheet.lost('max_budget', 'has no window without its budget_duration');
    return;
  }
  if (span?.nearly !== undefined) sheet.nearly('budget_duration', span.nearly);
  const amount = formatDollars(limit.amount);
  if (span === undefined) sheet.policy.lifetime = amount;
  else sheet.policy.windows = [{ every: span.every, limit: amount }];
  if (spend > 0)
    sheet.lost(
      'spend',
      'what was spent so far is not carried over: the limit begins with all of it',
    );
  if (soft !== undefined) softOf(soft, limit.amount, sheet);
};

const softOf = (soft: number | string, max: bigint, sheet: Sheet): void => {
  const units = unitsOf(soft);
  const hundredfold = (units?.amount ?? 0n) * 100n;
  const percent = max === 0n ? 0n : hundredfold / max;
  if (units === undefined || percent < 1n || percent > 99n) {
    sheet.lost('soft_budget', 'is not between 1 and 99 % of max_budget');
    return;
  }
  if (hundredfold % max !== 0n)
    sheet.nearly('soft_budget', `was rounded down to ${percent} % of max_budget`);
  sheet.policy.softPercent = Number(percent);
};

const MOST_CALLS = 1_000_000;

const rateOf = (calls: number, sheet: Sheet): void => {
  if (calls === 0) {
    sheet.policy.tools = [];
    sheet.nearly('rpm_limit', 'allows no call, so the policy allows nothing');
  } else if (calls > MOST_CALLS)
    sheet.lost('rpm_limit', `allows more than ${MOST_CALLS} calls, the most a rate can say`);
  else sheet.policy.rate = { limit: calls, seconds: 60 };
};

const TOOL = /^(?:\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*)$/;
const EVERYTHING = new Set(['*', 'all-proxy-models', 'all-team-models']);
const MOST_TOOLS = 64;

const modelsOf = (
  models: readonly string[],
  { modelsAsTools }: LitellmOptions,
  sheet: Sheet,
): void => {
  const named = models.filter((model) => !EVERYTHING.has(model));
  if (named.length === 0 || named.length !== models.length) return;
  if (!modelsAsTools) {
    sheet.lost(
      'models',
      `${named.length} models are no tools; --models-as-tools takes their names for ids of tools`,
    );
    return;
  }
  const tools = [...new Set(named)].filter((model) => TOOL.test(model));
  for (const model of named.filter((each) => !TOOL.test(each)))
    sheet.lost(
      'models',
      `${JSON.stringify(model)} cannot be the id of a tool, so it is not allowed`,
    );
  if (tools.length > MOST_TOOLS)
    sheet.lost('models', `a policy names at most ${MOST_TOOLS} tools; the others are not allowed`);
  sheet.policy.tools = tools.slice(0, MOST_TOOLS);
};

const expiryOf = (expires: string | undefined, sheet: Sheet): void => {
  if (expires === undefined || expires === '') return;
  // Postgres prints no zone for what it keeps in UTC.
  const at = Date.parse(
    /(?:Z|[+-][0-9]{2}:?[0-9]{2})$/.test(expires) ? expires : `${expires.replace(' ', 'T')}Z`,
  );
  if (Number.isNaN(at)) sheet.lost('expires', `${JSON.stringify(expires)} is no time`);
  else sheet.policy.validUntil = Math.floor(at / 1000);
};
