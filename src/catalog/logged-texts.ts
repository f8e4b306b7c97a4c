import { canonicalJson } from '../core/canonical-json.ts';
import type { Hex } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { type Policy, policyHash } from '../policy/policy.ts';
import type { Call } from '../protocol/account/call.ts';
import { termsOf } from './terms.ts';
import type { Tool } from './tool.ts';

/** The part of a call about the texts that decide it. */
export type CallTexts = Pick<Call, 'terms' | 'loggedPolicy'>;

/** Tracks whether the log of the gateway's account has the terms of the tools and the default policy, as far as this isolate knows. */
export type LoggedTexts = {
  /** The name of a set of texts: of these tools, and the default policy. Undefined if the log is known to have them. */
  readonly missing: (tools: readonly Tool[]) => Hex | undefined;
  /** The account has confirmed that its log has these texts. */
  readonly confirm: (tools: readonly Tool[]) => void;
  /**
   * The texts of a call: those that the log has by hash, and those that it may lack in full. Without a tool: a call of the gateway itself.
   */
  readonly of: (tool: Tool | undefined) => CallTexts;
};

/**
 * Law 11: an entry must not name a text that is in no log. The log of the gateway's account gets the texts after the first call that was
 * accepted, and an isolate may end before that. So until the account has confirmed the texts, the entry of each call contains them.
 */
export const openLoggedTexts = (policy: Policy): LoggedTexts => {
  const defaultHash = policyHash(policy);
  const logged = new Set<Hex>();
  let isPolicyLogged = false;
  return {
    missing(tools) {
      if (isPolicyLogged && tools.every((tool) => logged.has(termsOf(tool).hash))) return undefined;
      const hashes = tools.map((tool) => termsOf(tool).hash).sort();
      return nativeSha256(utf8(canonicalJson([defaultHash, ...hashes])));
    },
    confirm(tools) {
      isPolicyLogged = true;
      for (const tool of tools) logged.add(termsOf(tool).hash);
    },
    of(tool) {
      const terms = tool === undefined ? undefined : termsOf(tool);
      const isLogged = terms !== undefined && logged.has(terms.hash);
      return {
        ...(terms === undefined ? {} : { terms: isLogged ? { hash: terms.hash } : terms }),
        ...(isPolicyLogged ? { loggedPolicy: defaultHash } : {}),
      };
    },
  };
};
