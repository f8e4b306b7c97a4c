import type { Entry, Json } from '../entry.ts';
import type { Members } from './declaration.ts';
import { type CallRowType, type CreditType, declarationOf, type EntryType } from './entry-types.ts';
import type { PartOf } from './new-entry.ts';

/**
 * An entry with its members in their declared forms. An entry is external input, and any member of it may be wrong: a member without its
 * declared form reads as absent, and so does an undeclared one.
 */
export type Facts<Type extends EntryType = EntryType> = Type extends EntryType
  ? Omit<Entry, 'type' | 'amounts' | 'outcome' | 'payment'> & {
      readonly type: Type;
      readonly amounts: Known<PartOf<Type, 'amounts'>>;
      readonly outcome: Known<PartOf<Type, 'outcome'>>;
      readonly payment: Known<PartOf<Type, 'payment'>>;
    }
  : never;

type Known<Part> = [Part] extends [never] ? object : Partial<Part>;

/** Reads the members of an entry once for all uses. */
export const factsOf = (entry: Entry): Facts => {
  const { outcome, payment } = declarationOf(entry.type);
  return {
    ...entry,
    amounts: entry.amounts ?? {},
    outcome: formed(entry.outcome, outcome),
    payment: formed(entry.payment, payment),
  } as Facts;
};

/** Whether an entry changes the row of its call. A `switch` over the narrowed type must have a case for each type that is declared so. */
export const changesCallRow = (entry: Facts): entry is Facts<CallRowType> =>
  declarationOf(entry.type).projects.includes('calls');

/** Whether an entry may move credit. */
export const mayMoveCredit = (entry: Facts): entry is Facts<CreditType> =>
  declarationOf(entry.type).projects.includes('credit');

const formed = (
  values: Entry['outcome'],
  members: Members | undefined,
): { readonly [name: string]: Json } => {
  if (values === undefined || members === undefined) return {};
  if (members === 'any') return values;
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, form]) => {
      const value = values[name];
      return value !== undefined && hasForm(value, form) ? [[name, value]] : [];
    }),
  );
};

const hasForm = (value: Json, form: string): boolean => {
  switch (form.replace('?', '')) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'flag':
      return typeof value === 'boolean';
    case 'nullable':
      return value === null || typeof value === 'string';
    case 'texts':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    default:
      return true;
  }
};
