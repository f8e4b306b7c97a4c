import { textHash } from '../audit/verify/logged-text.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { isObject } from '../core/json-object.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { type Facts, factsOf } from '../protocol/log/facts.ts';

/** The members of evidence that name a text, or have it. */
type Naming = Facts<'call.accepted'>['evidence'] & Facts<'grant.issued'>['evidence'];

/** Collects the hashes of texts that entries name, and the hashes of texts that are in entries. */
export type NamedTexts = {
  readonly see: (entry: Entry) => void;
  /** A line of `texts.ndjson` for each text that only the gateway's own log has. */
  readonly lines: () => AsyncGenerator<string>;
};

/** Reads a text by its hash as the account that names it. Undefined for the policy or grant of an ancestor, which is in that ancestor's log. */
export type ReadText = (
  account: AccountId,
  hash: Hex,
) => Promise<Readonly<Record<string, unknown>> | undefined>;

/**
 * An owner may not read the gateway's own log, but may read every text in it that binds a call of the owner's: the terms of the tool and
 * the default policy. The hash proves the text.
 */
export const createNamedTexts = (readText: ReadText): NamedTexts => {
  /** The first account that names a text, and so may read it. */
  const named = new Map<Hex, AccountId>();
  const known = new Set<Hex>();
  return {
    see: (logged) => {
      const entry = factsOf(logged);
      const note = (hash: string | undefined): void => {
        if (hash !== undefined && !named.has(hash as Hex)) named.set(hash as Hex, entry.account);
      };
      const { terms, policies, document, policy, delegation, grant }: Naming = entry.evidence;
      const own = 'policy' in entry.outcome ? entry.outcome.policy : undefined;
      note(terms);
      if (policies === undefined) note(entry.policy);
      else for (const { hash } of policies) note(hash);
      for (const text of [document, policy, own])
        if (isObject(text)) known.add(textHash(text as Json));
      if (delegation !== undefined && grant !== undefined) known.add(grant as Hex);
    },
    lines: async function* () {
      for (const [text, account] of named) {
        if (known.has(text)) continue;
        const found = await readText(account, text);
        if (found !== undefined) yield `${JSON.stringify({ hash: text, text: found })}\n`;
      }
    },
  };
};
