import { createHash } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import * as z from 'zod/mini';

/** Claims of the gateway about a verified call. */
export type Assertion = {
  /** CAIP-10 account whose signature the gateway verified. */
  readonly account: string;
  readonly call: string;
  readonly tool: string;
  /** SHA-256 of the request body, 0x hex. */
  readonly digest: string;
  /** Whether the signature is bound to the request: `none` or `intent`. */
  readonly binding: string;
};

export type AssertionCheck =
  | { readonly valid: true; readonly assertion: Assertion }
  | { readonly valid: false; readonly reason: string };

/** A request with its assertion. */
export type AssertedRequest = {
  /** `X-Agent-Assertion`. */
  readonly header: string | undefined;
  readonly tool: string;
  readonly body: Uint8Array;
};

const LIFETIME_SECONDS = 60;
const TOLERANCE_SECONDS = 2;

const claims = z.object({
  account: z.string(),
  call: z.string(),
  tool: z.string(),
  digest: z.string(),
  binding: z.string(),
  jti: z.string(),
});

/** Detects replays: remembers ids for the lifetime of an assertion, and returns whether an id is new. */
const newReplayCache = (): ((id: string, now: number) => boolean) => {
  const seen = new Map<string, number>();
  return (id, now) => {
    for (const [old, until] of seen) {
      // Ids are in the order of their expiry, because all live equally long.
      if (until > now) break;
      seen.delete(old);
    }
    if (seen.has(id)) return false;
    seen.set(id, now + LIFETIME_SECONDS + 2 * TOLERANCE_SECONDS);
    return true;
  };
};

/**
 * Checks `X-Agent-Assertion` as any upstream should: a signature by a published key of the gateway, for this origin, tool and body, at
 * most a minute old, not replayed. A caller that bypasses the gateway has no assertion.
 */
export const assertionChecker = (options: {
  /** Origin of the gateway. */
  readonly gateway: string;
  /** Origins of this upstream. */
  readonly audiences: readonly string[];
}): ((request: AssertedRequest) => Promise<AssertionCheck>) => {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', options.gateway));
  const isNew = newReplayCache();
  return async ({ header, tool, body }) => {
    if (header === undefined) return { valid: false, reason: 'no X-Agent-Assertion' };
    try {
      const { payload } = await jwtVerify(header, keys, {
        typ: 'agent-assertion+jwt',
        algorithms: ['EdDSA', 'Ed25519'],
        audience: [...options.audiences],
        requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti'],
        maxTokenAge: LIFETIME_SECONDS,
        clockTolerance: TOLERANCE_SECONDS,
      });
      const parsed = claims.safeParse(payload);
      if (!parsed.success) return { valid: false, reason: 'claims are missing' };
      const { account, call, digest, binding, jti } = parsed.data;
      if (parsed.data.tool !== tool) return { valid: false, reason: 'asserted for another tool' };
      if (digest !== `0x${createHash('sha256').update(body).digest('hex')}`)
        return { valid: false, reason: 'asserted for another body' };
      if (!isNew(jti, Date.now() / 1000)) return { valid: false, reason: 'seen before' };
      return { valid: true, assertion: { account, call, tool, digest, binding } };
    } catch (error) {
      if (error instanceof errors.JOSEError) return { valid: false, reason: error.code };
      throw error;
    }
  };
};
