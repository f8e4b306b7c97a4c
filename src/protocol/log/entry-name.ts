import { declarationOf, isEntryType } from './entry-types.ts';

/** A type of entry in words. A newer gateway may write types that this reader does not know. */
export const entryName = (type: string): string =>
  isEntryType(type) ? declarationOf(type).name : type.replace(/[._]/g, ' ');
