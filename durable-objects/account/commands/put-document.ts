import { isJson } from '../../../src/audit/entry-schema.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  ChangedDocuments,
  DocumentType,
  KeptDocument,
} from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import type { NewEntry } from '../../../src/protocol/log/new-entry.ts';
import { put, remove } from '../../store/noun.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import { commandEvidence, done, logged, refused } from './command-answer.ts';
import {
  changedDocuments,
  DOCUMENT,
  documentCount,
  documentKey,
  documentNames,
  documentOf,
  isLogged,
  LOGGED_TEXT,
  newestOf,
  type StoredDocument,
} from './document.ts';
import { documentHash, documentText, unseen } from './precondition.ts';

type DocumentCommand = Extract<AccountCommand, { readonly kind: 'document' }>;

/** A tool may contain a JSON Schema as text. Its entry must stay below `MAX_ENTRY_TEXT`, with the intent and its signature. */
const MAX_BYTES: Readonly<Record<DocumentType, number>> = {
  tool: 40_960,
  webhook: 16_384,
  secret: 1_024,
};
/** The evidence nests the document one level deeper. */
const MAX_DEPTH = 7;
const MAX_NAME = 256;
const MOST: Readonly<Record<DocumentType, number>> = { tool: 1_000, webhook: 100, secret: 256 };

/** Puts or removes a document that the account keeps for the gateway: its tools, its webhooks, and what its secrets are bound to. The account serialises them (law 2). */
export const putDocument = (
  state: AccountState,
  { type, name, document, known, anew, expected, dryRun, by, intent }: DocumentCommand,
  context: Context,
): Decision<CommandVerdict> => {
  const unwritable = (hint: string) => refused(state, { reason: 'not_writable', hint });
  if (name === '' || name.length > MAX_NAME || !name.isWellFormed()) {
    return unwritable(`A name is 1 to ${MAX_NAME} characters of well-formed text.`);
  }
  if (!isWritable(type, document)) {
    return unwritable(
      `A document is JSON of at most ${MAX_BYTES[type]} bytes and ${MAX_DEPTH} levels, with no fractions.`,
    );
  }
  const stored = documentOf(context.read, type, name);
  const current = stored === undefined ? known : hashOf(stored);
  const next = document === null ? undefined : documentHash(document);
  const fault = unseen(expected, current, next);
  if (fault !== undefined) return refused(state, fault);
  const more = next === undefined ? {} : { current: next };
  if (current === next && (next === undefined || anew !== true)) return done(state, false, more);
  if (current === undefined && documentCount(context.read, type) >= MOST[type]) {
    return unwritable(`There are at most ${MOST[type]} of these. Remove one first.`);
  }
  if (dryRun === true) return done(state, true, current === undefined ? {} : { current });
  const isNewText = next !== undefined && !isLogged(context.read, next);
  const decision = logged(
    state,
    {
      type: document === null ? `${type}.removed` : `${type}.put`,
      outcome: next === undefined ? { name } : { name, hash: next },
      evidence: isNewText
        ? { ...commandEvidence(intent, by), document }
        : commandEvidence(intent, by),
    } as NewEntry,
    context,
    more,
  );
  const text = document === null ? null : documentText(document);
  const { seq } = decision.state.head;
  return {
    ...decision,
    writes: [
      ...decision.writes,
      // Only a removed tool may still be in the tools.json of the gateway.
      text === null && type !== 'tool'
        ? remove(DOCUMENT, documentKey({ type, name }))
        : put(DOCUMENT, { type, name, text, seq }),
      ...(isNewText ? [put(LOGGED_TEXT, { hash: next, at: context.now })] : []),
    ],
  };
};

/** Removes the webhooks of a former ancestor, with an entry for each: it must no longer get alerts of the account. */
export const withoutWebhooks = (
  state: AccountState,
  evidence: { readonly [key: string]: Json },
  context: Context,
): Omit<Decision<unknown>, 'verdict'> => {
  let next = state;
  const names = documentNames(context.read, 'webhook');
  const entries = names.flatMap((name) => {
    const removed = logged(next, { type: 'webhook.removed', outcome: { name }, evidence }, context);
    next = removed.state;
    return removed.entries;
  });
  const writes = names.map((name) => remove(DOCUMENT, documentKey({ type: 'webhook', name })));
  return { state: next, writes, entries };
};

/** Returns a stored document. Reads only. */
export const documentIn = (
  state: AccountState,
  type: DocumentType,
  name: string,
  context: Context,
): Decision<KeptDocument> => {
  const stored = documentOf(context.read, type, name);
  if (stored === undefined || stored.text === null) return unstored(state, { verdict: 'unknown' });
  const document = JSON.parse(stored.text) as Json;
  return unstored(state, { verdict: 'found', hash: documentHash(document), document });
};

/**
 * Documents that changed since an entry of the chain, removed tools included; all of them if the reader is ahead, because then storage
 * was restored to an earlier time. Reads nothing if nothing changed: every isolate asks every few seconds.
 */
export const documentsSince = (
  state: AccountState,
  { newestDocument }: Pick<Memory, 'newestDocument'>,
  {
    type,
    since,
    texts,
  }: { readonly type: DocumentType; readonly since: number; readonly texts?: Hex | undefined },
  { read }: Pick<Context, 'read'>,
): Decision<ChangedDocuments> => {
  const top = newestDocument.get(type) ?? newestOf(read, type);
  newestDocument.set(type, top);
  const documents = top === since ? [] : changedDocuments(read, type, top < since ? 0 : since);
  const hasTexts = texts === undefined ? {} : { hasTexts: isLogged(read, texts) };
  return unstored(state, { verdict: 'found', top, documents, ...hasTexts });
};

const hashOf = ({ text }: StoredDocument): Hex | undefined =>
  text === null ? undefined : documentHash(JSON.parse(text) as Json);

const isWritable = (type: DocumentType, document: unknown): document is Json =>
  isJson(document, MAX_DEPTH) && utf8(documentText(document)).length <= MAX_BYTES[type];
