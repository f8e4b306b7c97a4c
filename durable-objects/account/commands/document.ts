import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { DocumentType } from '../../../src/protocol/account/command.ts';
import type { Noun } from '../../store/noun.ts';
import type { Condition, Reader } from '../../store/query.ts';

/**
 * A document that the account keeps for the gateway. A removed tool stays stored, without text, because the gateway's tools.json may still
 * list it.
 */
export type StoredDocument = {
  readonly type: DocumentType;
  readonly name: string;
  readonly text: string | null;
  /** The seq of the entry that wrote it: readers request the documents that changed since. */
  readonly seq: number;
};

export const documentKey = ({ type, name }: Pick<StoredDocument, 'type' | 'name'>): string =>
  `${type} ${name}`;

export const DOCUMENT: Noun<StoredDocument, 'type' | 'seq' | 'is_kept'> = {
  name: 'document',
  key: documentKey,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as StoredDocument,
  fields: {
    type: ({ type }) => type,
    seq: ({ seq }) => seq,
    is_kept: ({ text }) => (text === null ? 0 : 1),
  },
};

export const documentOf = (
  read: Reader,
  type: DocumentType,
  name: string,
): StoredDocument | undefined => read.get(DOCUMENT, documentKey({ type, name }));

const kept = (type: DocumentType): readonly Condition<'type' | 'is_kept'>[] => [
  ['type', '=', type],
  ['is_kept', '=', 1],
];

/** How many documents of a type are not removed. */
export const documentCount = (read: Reader, type: DocumentType): number =>
  read.count(DOCUMENT, { where: kept(type) });

export const documentNames = (read: Reader, type: DocumentType): readonly string[] =>
  [...read.find(DOCUMENT, { where: kept(type) })].map(({ name }) => name);

/** The newest entry that wrote a document of this type; 0 if none did. */
export const newestOf = (read: Reader, type: DocumentType): number => {
  const [newest] = read.find(DOCUMENT, {
    where: [['type', '=', type]],
    highest: ['seq'],
    limit: 1,
  });
  return newest?.seq ?? 0;
};

/** Documents that were written after an entry, by name. */
export const changedDocuments = (
  read: Reader,
  type: DocumentType,
  after: number,
): readonly Pick<StoredDocument, 'name' | 'text'>[] =>
  [
    ...read.find(DOCUMENT, {
      where: [
        ['type', '=', type],
        ['seq', '>', after],
      ],
    }),
  ].map(({ name, text }) => ({ name, text }));

/** The hash of a policy or document whose text is in the log, so that later entries name it by hash alone. */
type LoggedText = { readonly hash: Hex; readonly at: Seconds };

/** After this long an entry carries its text again: an archive of a year can be read by itself, and the set of hashes is bounded. */
export const TEXT_REMEMBERED: Seconds = 366 * 86_400;

export const LOGGED_TEXT: Noun<LoggedText, 'at'> = {
  name: 'text',
  key: ({ hash }) => hash,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as LoggedText,
  fields: { at: ({ at }) => at },
};

export const isLogged = (read: Reader, hash: Hex): boolean =>
  read.get(LOGGED_TEXT, hash) !== undefined;
