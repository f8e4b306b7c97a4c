import { canonicalJson } from '../../core/canonical-json.ts';
import type { Hex } from '../../core/hex.ts';
import { ok, type Result } from '../../core/result.ts';
import { sha256Hex, utf8 } from '../../crypto/bytes.ts';
import { chainIdOf, parseAccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { agentDelegationSchema, delegationDigest } from '../../protocol/intent/agent-delegation.ts';
import { defaultPolicySchema, listedToolSchema } from '../evidence-schema.ts';
import { type EvidenceFault, fault, readAs } from './signed-evidence.ts';

/* Texts that entries name by hash (docs/wire-format.md §15): terms of tools in `evidence.document`, policies in `evidence.policy`. */

/** The hash by which entries name a policy or a document: SHA-256 over its JCS form. */
export const textHash = (text: Json): Hex => sha256Hex(utf8(canonicalJson(text)));

/**
 * The computed hash of the delegation in an entry; the stated hash is ignored.
 *
 * @returns undefined if the entry has no delegation, or a malformed one
 */
export const delegationHash = ({ account, evidence }: Entry): Hex | undefined => {
  const delegation = agentDelegationSchema.safeParse(evidence?.['delegation']);
  const chainId = chainIdOf(parseAccountId(account)?.network ?? '');
  return delegation.success && chainId !== undefined
    ? delegationDigest(delegation.data, chainId)
    : undefined;
};

/** Checks an entry of the gateway's account that is there for its text: the text has the hash that the entry names. */
export const checkListed = (entry: Entry): Result<undefined, EvidenceFault> => {
  if (entry.type === 'policy.default') {
    const read = readAs(defaultPolicySchema, entry, entry.type);
    if (!read.ok) return read;
    return isNamed(entry.evidence?.['policy'], [read.value.outcome.hash])
      ? ok(undefined)
      : fault('evidence.policy', 'mismatch');
  }
  const read = readAs(listedToolSchema, entry, entry.type);
  if (!read.ok) return read;
  const { outcome, evidence } = read.value;
  if (outcome.name !== evidence.document.tool) return fault('outcome.name', 'mismatch');
  return isNamed(entry.evidence?.['document'], [outcome.hash])
    ? ok(undefined)
    : fault('evidence.document', 'mismatch');
};

/** Checks the texts in the entry of a call: they are the terms and one of the policies that the entry names by hash. */
export const checkTexts = ({ policy, evidence = {} }: Entry): Result<undefined, EvidenceFault> => {
  const { terms, document, policy: text, policies } = evidence;
  if (document !== undefined && !isNamed(document, [terms])) {
    return fault('evidence.document', 'mismatch');
  }
  const named = Array.isArray(policies)
    ? (policies as readonly { readonly hash?: Json }[]).map(({ hash }) => hash)
    : [policy];
  return text === undefined || isNamed(text, named)
    ? ok(undefined)
    : fault('evidence.policy', 'mismatch');
};

const isNamed = (text: Json | undefined, hashes: readonly (Json | undefined)[]): boolean =>
  text !== undefined && hashes.includes(textHash(text));
