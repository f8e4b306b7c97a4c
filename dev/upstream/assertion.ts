import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import * as z from 'zod/mini';

/** What the gateway asserts of a call it has verified (design §4.8). */
export type Assertion = {
  /** CAIP-10 account whose signature was checked. */
  readonly account: string;
  readonly call: string;
  readonly tool: string;
  /** Digest of the request body. */
  readonly digest: string;
};

export type AssertionCheck =
  | { readonly valid: true; readonly assertion: Assertion }
  | { readonly valid: false; readonly reason: string };

const claims = z.object({
  account: z.string(),
  call: z.string(),
  tool: z.string(),
  digest: z.string(),
  jti: z.string(),
});

/**
 * Checks `X-Agent-Assertion` as any upstream should: signature by a key the gateway publishes, meant for this origin,
 * not older than a minute. Whoever goes around the gateway has none.
 */
export const assertionChecker = (options: {
  /** Origin of the gateway that publishes the keys. */
  readonly gateway: string;
  /** Origins this upstream answers for. */
  readonly audiences: readonly string[];
}): ((header: string | undefined, tool: string) => Promise<AssertionCheck>) => {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', options.gateway));
  return async (header, tool) => {
    if (header === undefined) return { valid: false, reason: 'no X-Agent-Assertion' };
    try {
      const { payload } = await jwtVerify(header, keys, {
        algorithms: ['EdDSA', 'Ed25519'],
        audience: [...options.audiences],
        requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti'],
        maxTokenAge: '60s',
        clockTolerance: 2,
      });
      const parsed = claims.safeParse(payload);
      if (!parsed.success) return { valid: false, reason: 'claims are missing' };
      if (parsed.data.tool !== tool) return { valid: false, reason: 'asserted for another tool' };
      const { account, call, digest } = parsed.data;
      return { valid: true, assertion: { account, call, tool, digest } };
    } catch (error) {
      if (error instanceof errors.JOSEError) return { valid: false, reason: error.code };
      throw error;
    }
  };
};
