import { isJson } from '../../../src/audit/entry-schema.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand, PublishedText } from '../../../src/protocol/account/command.ts';
import type { Entry, Json } from '../../../src/protocol/entry.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, enter } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { applied, done, refused } from './command-answer.ts';
import { isLogged, LOGGED_TEXT } from './document.ts';
import { documentHash, documentText } from './precondition.ts';

/** The largest text, in canonical JSON: far below `MAX_ENTRY_TEXT`, and more than any terms or default policy can have. */
const MAX_BYTES = 49_152;
/** The evidence nests the text one level deeper. */
const MAX_DEPTH = 7;

/**
 * Writes texts that calls name by hash into the log of the gateway's account: each once, however many isolates send it (law 11). `set` names
 * all texts of a deployment, which its isolates ask for.
 */
export const publish = (
  state: AccountState,
  { texts, set }: Extract<AccountCommand, { readonly kind: 'publish' }>,
  context: Context,
): Decision<CommandVerdict> => {
  if (!texts.every(({ document }) => isWritable(document))) {
    return refused(state, {
      reason: 'not_writable',
      hint: `A text is JSON of at most ${MAX_BYTES} bytes and ${MAX_DEPTH} levels, with no fractions.`,
    });
  }
  let next = state;
  const entries: Entry[] = [];
  const fresh = new Set<Hex>();
  for (const text of texts) {
    const hash = documentHash(text.document as Json);
    if (fresh.has(hash) || isLogged(context.read, hash)) continue;
    fresh.add(hash);
    const entered = enter(next, context, bodyOf(text, hash));
    next = entered.state;
    entries.push(entered.entry);
  }
  if (set !== undefined && !isLogged(context.read, set)) fresh.add(set);
  if (fresh.size === 0) return done(state, false);
  const decision = applied(next, {}, entries);
  const writes = [...fresh].map((hash) => put(LOGGED_TEXT, { hash, at: context.now }));
  return { ...decision, writes: [...decision.writes, ...writes] };
};

const bodyOf = (text: PublishedText, hash: Hex) => {
  const document = text.document as Json;
  return text.type === 'tool.listed'
    ? { type: text.type, evidence: { document }, outcome: { name: text.name, hash } }
    : { type: text.type, evidence: { policy: document }, outcome: { hash } };
};

const isWritable = (document: unknown): document is Json =>
  isJson(document, MAX_DEPTH) && utf8(documentText(document)).length <= MAX_BYTES;
