import { err, ok, type Result } from '../../core/result.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { parsePolicy, type Policy } from '../../policy/policy.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import { formatDollars, parseMoneyOption } from '../../protocol/amount.ts';

/** Rows that hold an amount in dollars. */
const MONEY_FIELDS = ['perCall', 'lifetime', 'approveAbove'] as const;
const WINDOWS = ['hour', 'day', 'month'] as const;
const LISTS = ['tools', 'payees'] as const;

type MoneyField = (typeof MONEY_FIELDS)[number];
type WindowRow = (typeof WINDOWS)[number];
type ListRow = (typeof LISTS)[number];
export type MoneyRow = MoneyField | WindowRow;
/** A row of the form. `rest`: every other field of the policy, as JSON. */
export type FormRow = MoneyRow | ListRow | 'rateLimit' | 'rateSeconds' | 'rest';

/** A policy as a person edits it: a text for each row; an empty text sets no limit. */
export type PolicyForm = Readonly<Record<FormRow, string>>;

/** What is wrong, by row. */
export type FormFaults = Partial<Readonly<Record<FormRow, string>>>;

/** Written for a list that allows nothing, which an empty text cannot say. No tool and no payee has this name. */
const NOTHING = '(none)';

const isCommonWindow = ({ every, asset }: { every: unknown; asset?: unknown }): boolean =>
  asset === undefined && WINDOWS.some((row) => row === every);

/** An amount of a document as a person types it: `1.25`. */
export const dollarsOf = (amount: string | undefined): string => {
  const atomic = amount === undefined ? undefined : parseMoneyOption(amount);
  return atomic === undefined ? (amount ?? '') : formatDollars(atomic).slice(1);
};

/** A list as a person types it; an empty text is no list. */
export const listOf = (list: readonly unknown[] | undefined): string =>
  list === undefined
    ? ''
    : list.length === 0
      ? NOTHING
      : list.map((each) => (each === ANY_PAYEE ? 'any' : String(each))).join(', ');

/** The form of a policy; that of no policy is empty. */
export const formOf = (document: PolicyDocument | undefined): PolicyForm => {
  const { v: _, perCall, lifetime, approveAbove, tools, payees, rate, ...rest } = document ?? {};
  const { windows = [], ...others } = rest;
  const windowOf = (row: WindowRow): string =>
    dollarsOf(windows.find((each) => each.every === row && isCommonWindow(each))?.limit);
  const uncommon = windows.filter((each) => !isCommonWindow(each));
  const kept = uncommon.length === 0 ? others : { ...others, windows: uncommon };
  return {
    perCall: dollarsOf(perCall),
    hour: windowOf('hour'),
    day: windowOf('day'),
    month: windowOf('month'),
    lifetime: dollarsOf(lifetime),
    approveAbove: dollarsOf(approveAbove),
    tools: listOf(tools),
    payees: listOf(payees),
    rateLimit: rate === undefined ? '' : String(rate.limit),
    rateSeconds: rate === undefined ? '' : String(rate.seconds),
    rest: Object.keys(kept).length === 0 ? '' : JSON.stringify(kept, undefined, 2),
  };
};

const AMOUNT = 'must be dollars, like 1.25, with at most six decimals';
const OWN_ROW = 'has a field of its own above';

/** The amounts of the form as a document has them. Notes each text that is no amount. */
const amountsOf = (form: PolicyForm, note: (row: FormRow, reason: string) => void) => {
  const read = (row: MoneyRow): string | undefined => {
    const text = form[row].trim();
    if (text === '') return undefined;
    const amount = parseMoneyOption(text);
    if (amount === undefined) note(row, AMOUNT);
    return amount === undefined ? undefined : formatDollars(amount);
  };
  const fields = MONEY_FIELDS.flatMap((row) => {
    const amount = read(row);
    return amount === undefined ? [] : [[row, amount] as const];
  });
  const windows = WINDOWS.flatMap((every) => {
    const limit = read(every);
    return limit === undefined ? [] : [{ every, limit }];
  });
  return { fields: Object.fromEntries(fields), windows };
};

/** The entries of a list with commas between; undefined for an empty text. */
export const listIn = (text: string): readonly string[] | undefined => {
  if (text.trim() === NOTHING) return [];
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.length === 0 ? undefined : entries;
};

/** The fields that have no row. Notes a text that is no JSON object, and fields that have a row. */
const restIn = (
  text: string,
  note: (row: FormRow, reason: string) => void,
): Readonly<Record<string, unknown>> => {
  if (text.trim() === '') return {};
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      const owned = [...MONEY_FIELDS, ...LISTS, 'rate'].find((field) => field in json);
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

/** The policy that the form describes, checked by the schema of the gateway; or what is wrong in which row. */
export const policyOf = (form: PolicyForm): Result<FormPolicy, FormFaults> => {
  const faults: Partial<Record<FormRow, string>> = {};
  const note = (row: FormRow, reason: string): void => {
    faults[row] ??= reason;
  };
  const { fields, windows } = amountsOf(form, note);
  const { windows: more, ...rest } = restIn(form.rest, note);
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
