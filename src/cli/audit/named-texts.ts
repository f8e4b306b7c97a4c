import { textHash } from '../../audit/verify/logged-text.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/errors.ts';

/** Collects the hashes of texts that entries name, and those whose texts the entries have themselves. */
export type NamedTexts = {
  readonly see: (entry: Entry) => void;
  /** A line of `texts.ndjson` for each text that only the gateway's own log has. @throws CliError */
  readonly lines: () => AsyncGenerator<string>;
};

/**
 * An owner may not read the gateway's own log, but every text of it that binds a call of the owner's: the terms of the tool and the default
 * policy. The hash proves the text.
 */
export const createNamedTexts = (admin: AdminClient): NamedTexts => {
  /** The first account that names a text: it may read it. */
  const named = new Map<Hex, AccountId>();
  const known = new Set<Hex>();
  return {
    see: (entry) => {
      const { account, policy, evidence = {}, outcome = {} } = entry;
      const note = (hash: Json | undefined): void => {
        if (typeof hash === 'string' && !named.has(hash as Hex)) named.set(hash as Hex, account);
      };
      note(evidence['terms']);
      const policies = evidence['policies'];
      if (!Array.isArray(policies)) note(policy);
      else for (const each of policies) note((each as { readonly hash?: Json }).hash);
      for (const text of [evidence['document'], evidence['policy'], outcome['policy']])
        if (typeof text === 'object' && text !== null) known.add(textHash(text));
      const grant = evidence['grant'];
      if (evidence['delegation'] !== undefined && typeof grant === 'string')
        known.add(grant as Hex);
    },
    lines: async function* () {
      for (const [text, account] of named) {
        if (known.has(text)) continue;
        const found = await textOf(admin, account, text);
        if (found !== undefined) yield `${JSON.stringify({ hash: text, text: found })}\n`;
      }
    },
  };
};

/** Undefined for the policy or grant of an ancestor, which is in that ancestor's log. */
const textOf = async (
  admin: AdminClient,
  account: AccountId,
  text: Hex,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  try {
    return (await admin.call('account.text', { params: { account, text } })).body.text;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_document')) return undefined;
    throw thrown;
  }
};
