import { ACCOUNT_TYPES } from './account.ts';
import { CALL_TYPES } from './call.ts';
import type { Declaration } from './declaration.ts';
import { MONEY_TYPES } from './money.ts';
import { SIGNER_TYPES } from './signer.ts';

/**
 * The types of entries: everything that code outside the deciding account must know about each. Names are final: exported logs contain
 * them.
 */
export const ENTRY_TYPES = {
  ...CALL_TYPES,
  ...MONEY_TYPES,
  ...ACCOUNT_TYPES,
  ...SIGNER_TYPES,
} as const;

export type EntryTypes = typeof ENTRY_TYPES;

/** The kind of an entry. */
export type EntryType = keyof EntryTypes;

/** Its declaration, without the literal types. */
export const declarationOf = (type: EntryType): Declaration => ENTRY_TYPES[type];

type TypesWith<Part> = {
  [Type in EntryType]: EntryTypes[Type] extends Part ? Type : never;
}[EntryType];

/** The types that leave the account at once. */
export type PromptType = TypesWith<{ readonly prompt: true }>;

/** The types of a signer that its owner commands. */
export type SignerCommandType = TypesWith<{ readonly routes: 'signer' }>;

type ProjectedOn<To extends string> = {
  [Type in EntryType]: To extends EntryTypes[Type]['projects'][number] ? Type : never;
}[EntryType];

/** The types that change the row of a call. */
export type CallRowType = ProjectedOn<'calls'>;

/** The types that move credit. */
export type CreditType = ProjectedOn<'credit'>;

export const isEntryType = (type: string): type is EntryType => Object.hasOwn(ENTRY_TYPES, type);

/** Whether entries of a type may have a decision. */
export const isDecisionOf = (type: EntryType, decision: string | undefined): boolean => {
  const { decision: known } = declarationOf(type);
  return known === 'text' || (decision !== undefined && known?.includes(decision) === true);
};

/** A type of entry in words. A newer gateway may write types that this reader does not know. */
export const entryName = (type: string): string =>
  isEntryType(type) ? declarationOf(type).name : type.replace(/[._]/g, ' ');
