import { isObject } from '../../core/json-object.ts';
import type { Entry, Json } from '../entry.ts';
import type { Members } from './declaration.ts';
import {
  type CallRowType,
  type CreditType,
  declarationOf,
  type EntryType,
  type EntryTypes,
  isEntryType,
} from './entry-types.ts';
import { EVIDENCE, PARTS } from './evidence.ts';
import type { PartOf, ValuesOf } from './new-entry.ts';

/**
 * An entry with its members in their declared forms. An entry is external input, and any member of it may be wrong: a member without its
 * declared form reads as absent, and so does an undeclared one.
 */
export type Facts<Type extends EntryType = EntryType> = Type extends EntryType
  ? Omit<Entry, 'type' | 'evidence' | 'amounts' | 'outcome' | 'payment'> & {
      readonly type: Type;
      readonly evidence: Known<ValuesOf<(typeof EVIDENCE)[EntryTypes[Type]['signed']]>>;
      readonly amounts: Known<PartOf<Type, 'amounts'>>;
      readonly outcome: Known<PartOf<Type, 'outcome'>> & Known<ValuesOf<typeof ANY_OUTCOME>>;
      readonly payment: Known<PartOf<Type, 'payment'>>;
    }
  : never;

type Known<Part> = [Part] extends [never]
  ? object
  : { readonly [Name in keyof Part]?: KnownIn<Exclude<Part[Name], undefined>> };

type KnownIn<Value> = [Json] extends [Value]
  ? Json
  : Value extends string | number | boolean | null | readonly string[]
    ? Value
    : Value extends readonly (infer Each)[]
      ? readonly Partial<Each>[]
      : Partial<Value>;

/** An entry of any type may be the first after an ancestor was cut off: then it names the remaining ancestors. */
const ANY_OUTCOME = { ancestors: 'texts?' } as const;

/** A value with the members of an entry, perhaps of a type that only a newer gateway writes. */
type Logged = Pick<Entry, 'amounts'> & {
  readonly type: string;
  readonly evidence?: unknown;
  readonly outcome?: unknown;
  readonly payment?: unknown;
  readonly [member: string]: unknown;
};

/** Reads the members of an entry in their declared forms. An entry of an unknown type has no members. */
export const factsOf = (entry: Logged): Facts => {
  const declared = isEntryType(entry.type) ? declarationOf(entry.type) : undefined;
  // Types whose members other code chooses keep every member in any form.
  const { ancestors: _, ...outcome } = formed(entry.outcome, declared?.outcome);
  return {
    ...entry,
    evidence: formed(entry.evidence, declared && EVIDENCE[declared.signed]),
    amounts: entry.amounts ?? {},
    outcome: { ...outcome, ...formed(entry.outcome, ANY_OUTCOME) },
    payment: formed(entry.payment, declared?.payment),
  } as unknown as Facts;
};

/** As `factsOf`, of an entry of one of these types; undefined for every other entry, which is not read. */
export const factsIf = <Type extends EntryType>(
  entry: Logged,
  ...types: readonly Type[]
): Facts<Type> | undefined =>
  types.some((type) => type === entry.type)
    ? (factsOf(entry) as unknown as Facts<Type>)
    : undefined;

/** A function for each type of entry that a reader handles. */
export type Cases<More, Value> = {
  readonly [Type in EntryType]?: (entry: Facts<Type>, more: More) => Value;
};

/** Runs the case for the type of an entry; returns undefined if there is none, e.g. for a type that only a newer gateway writes. */
export const inCase = <More, Value>(
  cases: Cases<More, Value>,
  entry: Facts,
  more: More,
): Value | undefined => {
  if (!Object.hasOwn(cases, entry.type)) return undefined;
  const ofType = cases[entry.type] as ((of: Facts, and: More) => Value) | undefined;
  return ofType?.(entry, more);
};

/** Whether an entry changes the row of its call. A `switch` over the narrowed type must have a case for each type that is declared so. */
export const changesCallRow = (entry: Facts): entry is Facts<CallRowType> =>
  declarationOf(entry.type).projects.includes('calls');

/** Whether an entry may move credit. */
export const mayMoveCredit = (entry: Facts): entry is Facts<CreditType> =>
  declarationOf(entry.type).projects.includes('credit');

type Values = { readonly [name: string]: unknown };

const formed = (values: unknown, members: Members | undefined): Values => {
  if (!isObject(values) || members === undefined) return {};
  if (members === 'any') return values as Values;
  const found: { [name: string]: unknown } = {};
  for (const [name, form] of Object.entries(members)) {
    const value = formedAs((values as Values)[name], form.replace('?', ''));
    if (value !== undefined) found[name] = value;
  }
  return found;
};

const formedAs = (value: unknown, form: string): unknown => {
  switch (form) {
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? value : undefined;
    case 'nullable':
      return value === null || typeof value === 'string' ? value : undefined;
    case 'texts': {
      const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
      return isList ? value : undefined;
    }
    case 'json':
      return value;
    default:
      return partOf(value, PARTS[form as keyof typeof PARTS]);
  }
};

const partOf = (value: unknown, part: (typeof PARTS)[keyof typeof PARTS]): unknown => {
  if ('length' in part) {
    return Array.isArray(value) ? value.map((each) => formed(each, part[0])) : undefined;
  }
  return isObject(value) ? formed(value, part) : undefined;
};
