import type { Json } from '../../../src/protocol/entry.ts';
import { isJson } from '../../../src/audit/entry-schema.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import type { KeptStorage } from '../kept-storage.ts';
import { evidenceOf } from './ordered.ts';
import { documentHash, documentText, unseen } from './precondition.ts';
import type { AccountState } from '../state.ts';
import { done, noted, refused } from './tree-change.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type {
  ChangedDocuments,
  DocumentType,
  KeptDocument,
} from '../../../src/protocol/account/document.ts';

type Order = Extract<AccountCommand, { readonly kind: 'document' }>;

/** A row of `documents`. A removed tool stays as a row without text: the gateway's own list may still know it. */
export type StoredDocument = {
  readonly type: DocumentType;
  readonly name: string;
  readonly text: string | null;
  /** Of the entry that wrote it: readers ask for what changed since. */
  readonly seq: number;
};

const MAX_BYTES = 16_384;
/** As deep as evidence may be, which holds it one level down. */
const MAX_DEPTH = 7;
const MAX_NAME = 256;
const MOST: Readonly<Record<DocumentType, number>> = { tool: 1_000, webhook: 100 };

/** What the account keeps for the gateway: its tools, and where alerts go. One at a time decides who comes first (design §5). */
export const putDocument = (
  state: AccountState,
  { type, name, document, known, anew, expected, by, order }: Order,
  context: Context,
): Decision<Applied> => {
  const unwritable = (hint: string) => refused(state, { reason: 'not_writable', hint });
  if (name === '' || name.length > MAX_NAME || !name.isWellFormed()) {
    return unwritable(`A name is 1 to ${MAX_NAME} characters of well-formed text.`);
  }
  if (!isWritable(document)) {
    return unwritable(
      `A document is JSON of at most ${MAX_BYTES} bytes and ${MAX_DEPTH} levels, with no fractions.`,
    );
  }
  const stored = context.documentOf(type, name);
  const current = stored === undefined ? known : hashOf(stored);
  const next = document === null ? undefined : documentHash(document);
  const fault = unseen(expected, current, next);
  if (fault !== undefined) return refused(state, fault);
  const more = next === undefined ? {} : { current: next };
  if (current === next && (next === undefined || anew !== true)) return done(state, false, more);
  if (current === undefined && context.documentNames(type).length >= MOST[type]) {
    return unwritable(`There are at most ${MOST[type]} of these. Remove one first.`);
  }
  const isNewText = next !== undefined && !context.hasText(next);
  const decision = noted(
    state,
    {
      type: document === null ? `${type}.removed` : `${type}.put`,
      outcome: next === undefined ? { name } : { name, hash: next },
      evidence: isNewText ? { ...evidenceOf(order, by), document } : evidenceOf(order, by),
    },
    context,
    more,
  );
  return {
    ...decision,
    documents: [
      {
        ...{ type, name, text: document === null ? null : documentText(document) },
        seq: decision.state.head.seq,
      },
    ],
    texts: isNewText ? [next] : [],
  };
};

/** Who was above and is so no more hears nothing more of the account: its webhooks go, with an entry for each. */
export const withoutWebhooks = (
  state: AccountState,
  evidence: { readonly [key: string]: Json },
  context: Context,
): Required<Pick<Decision<unknown>, 'state' | 'loose' | 'documents'>> => {
  let left = state;
  const names = context.documentNames('webhook');
  const loose = names.flatMap((name) => {
    const removed = noted(left, { type: 'webhook.removed', outcome: { name }, evidence }, context);
    left = removed.state;
    return removed.loose;
  });
  const { seq } = left.head;
  const documents = names.map((name) => ({ type: 'webhook' as const, name, text: null, seq }));
  return { state: left, loose, documents };
};

/** As it is kept, for whoever has lost it. Reads only. */
export const documentIn = (
  state: AccountState,
  type: DocumentType,
  name: string,
  context: Context,
): Decision<KeptDocument> => {
  const stored = context.documentOf(type, name);
  if (stored === undefined || stored.text === null) return unchanged(state, { verdict: 'unknown' });
  const document = JSON.parse(stored.text) as Json;
  return unchanged(state, { verdict: 'found', hash: documentHash(document), document });
};

/**
 * What changed since an entry of the chain, removed documents included; all of it where the reader is ahead, because then storage was
 * restored to an earlier time. Reads no row where nothing changed: every isolate asks every few seconds.
 */
export const documentsSince = (
  state: AccountState,
  storage: Pick<KeptStorage, 'loadDocumentsSince'>,
  type: DocumentType,
  since: number,
): Decision<ChangedDocuments> =>
  unchanged(state, { verdict: 'found', ...storage.loadDocumentsSince(type, since) });

const hashOf = ({ text }: StoredDocument): Hex | undefined =>
  text === null ? undefined : documentHash(JSON.parse(text) as Json);

const isWritable = (document: unknown): document is Json =>
  isJson(document, MAX_DEPTH) && utf8(documentText(document)).length <= MAX_BYTES;
