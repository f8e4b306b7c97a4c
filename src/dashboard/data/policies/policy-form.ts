import { err, ok, type Result } from '../../../core/result.ts';
import type { PolicyDocument } from '../../../management/policy.route.ts';
import { fieldWords } from '../../../policy/field-words.ts';
import { parsePolicy, type Policy } from '../../../policy/policy.ts';
import { ANY_PAYEE } from '../../../policy/rules/payees.ts';
import type { AssetId } from '../../../protocol/account-id.ts';
import { USD } from '../../../protocol/fiat-asset.ts';
import { amountsOf, dollarsOf, MONEY_FIELDS, type MoneyRow, windowRowsOf } from './policy-rows.ts';

const LISTS = ['tools', 'payees'] as const;
type ListRow = (typeof LISTS)[number];

/** The fields that have rows of the form. */
const OWN_ROWS: readonly string[] = [...MONEY_FIELDS, ...LISTS, 'rate'];

/** The fields that a person edits as JSON. Of `windows`, hours, days and months have rows. */
export const REST_FIELDS = Object.keys(fieldWords).filter((field) => !OWN_ROWS.includes(field));

/** A row of the form. `dollars`: `ALLOWED` if the policy names USD. `rest`: every other field of the policy, as JSON. */
export type FormRow = MoneyRow | ListRow | 'dollars' | 'rateLimit' | 'rateSeconds' | 'rest';

/** The text of the row `dollars` for a policy that names USD among its assets. */
export const ALLOWED = 'allowed';

/** A policy as a person edits it: a text for each row; an empty text sets no limit. */
export type PolicyForm = Readonly<Record<FormRow, string>>;

/** The fault of each row that has one. */
export type FormFaults = Partial<Readonly<Record<FormRow, string>>>;

/** Stands for a list that allows nothing, because an empty text means no list. No tool and no payee has this name. */
const NOTHING = '(none)';

/** A list as a person types it; an empty text stands for "no list". */
export const listOf = (list: readonly unknown[] | undefined): string =>
  list === undefined
    ? ''
    : list.length === 0
      ? NOTHING
      : list.map((each) => (each === ANY_PAYEE ? 'any' : String(each))).join(', ');

/** The form of a policy; an empty form without a policy. */
export const formOf = (document: PolicyDocument | undefined): PolicyForm => {
  const { v: _, perCall, lifetime, approveAbove, tools, payees, rate, ...rest } = document ?? {};
  const { windows = [], assets, ...others } = rest;
  const { rows, others: uncommon } = windowRowsOf(windows);
  const kept = {
    ...others,
    ...(assets === undefined ? {} : { assets: assets.filter((each) => each !== USD) }),
    ...(uncommon.length === 0 ? {} : { windows: uncommon }),
  };
  return {
    perCall: dollarsOf(perCall),
    ...rows,
    lifetime: dollarsOf(lifetime),
    approveAbove: dollarsOf(approveAbove),
    tools: listOf(tools),
    payees: listOf(payees),
    rateLimit: rate === undefined ? '' : String(rate.limit),
    rateSeconds: rate === undefined ? '' : String(rate.seconds),
    dollars: assets?.includes(USD) === true ? ALLOWED : '',
    rest: Object.keys(kept).length === 0 ? '' : JSON.stringify(kept, undefined, 2),
  };
};

const OWN_ROW = 'has a field of its own above';

/** The entries of a list with commas between; undefined for an empty text. */
export const listIn = (text: string): readonly string[] | undefined => {
  if (text.trim() === NOTHING) return [];
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.length === 0 ? undefined : entries;
};

/** The fields that have no row. Records a fault for text that is not a JSON object, and for fields that have a row. */
const restIn = (
  text: string,
  note: (row: FormRow, reason: string) => void,
): Readonly<Record<string, unknown>> => {
  if (text.trim() === '') return {};
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      const owned = OWN_ROWS.find((field) => field in json);
      if (owned !== undefined) note('rest', `${owned} ${OWN_ROW}`);
      return json as Readonly<Record<string, unknown>>;
    }
    note('rest', 'must be a JSON object, like {"exposure": "$1.00"}');
  } catch (thrown) {
    note('rest', `is not JSON: ${thrown instanceof Error ? thrown.message : 'unreadable'}`);
  }
  return {};
};

const rowOf = (field: string): FormRow => {
  const [name = ''] = field.split(/[.[]/);
  if (name === 'rate') return field === 'rate.seconds' ? 'rateSeconds' : 'rateLimit';
  return [...MONEY_FIELDS, ...LISTS].find((row) => row === name) ?? 'rest';
};

export type FormPolicy = { readonly document: PolicyDocument; readonly policy: Policy };

/** Adds USD to the assets of a policy. A policy that named no asset allowed every token, and still does. */
const withDollars = (
  assets: unknown,
  tokens: readonly AssetId[] | undefined,
  note: (row: FormRow, reason: string) => void,
): unknown => {
  const named = assets ?? tokens;
  if (named === undefined) note('dollars', 'needs the networks of the gateway: reload the page');
  return Array.isArray(named) ? [...new Set<unknown>([...(named as unknown[]), USD])] : named;
};

/**
 * The policy that the form describes, checked by the schema of the gateway; or the fault of each row.
 *
 * @param tokens the tokens of the gateway; undefined while they are not known
 */
export const policyOf = (
  form: PolicyForm,
  tokens?: readonly AssetId[],
): Result<FormPolicy, FormFaults> => {
  const faults: Partial<Record<FormRow, string>> = {};
  const note = (row: FormRow, reason: string): void => {
    faults[row] ??= reason;
  };
  const { fields, windows } = amountsOf(form, note);
  const { windows: more, assets: typed, ...rest } = restIn(form.rest, note);
  const assets = form.dollars === ALLOWED ? withDollars(typed, tokens, note) : typed;
  const { rateLimit, rateSeconds } = form;
  const hasRate = `${rateLimit}${rateSeconds}`.trim() !== '';
  const tools = listIn(form.tools);
  const payees = listIn(form.payees)?.map((payee) =>
    payee === 'any' ? ANY_PAYEE : payee.toLowerCase(),
  );
  const allWindows = Array.isArray(more) ? [...windows, ...(more as unknown[])] : windows;
  if (more !== undefined && !Array.isArray(more)) note('rest', 'windows must be an array');
  const document = {
    ...rest,
    ...fields,
    ...(assets === undefined ? {} : { assets }),
    ...(allWindows.length === 0 ? {} : { windows: allWindows }),
    ...(tools === undefined ? {} : { tools }),
    ...(payees === undefined ? {} : { payees }),
    ...(hasRate ? { rate: { limit: Number(rateLimit), seconds: Number(rateSeconds) } } : {}),
  };
  const parsed = parsePolicy(document);
  if (!parsed.ok) {
    for (const { field, reason } of parsed.error) {
      const row = rowOf(field);
      note(row, row === 'rest' ? `${field} ${reason}`.trim() : reason);
    }
  }
  if (!parsed.ok || Object.keys(faults).length > 0) return err(faults);
  return ok({ document: document as PolicyDocument, policy: parsed.value });
};
