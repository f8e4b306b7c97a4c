import type { Tool } from '../catalog/tool.ts';
import { accountId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { ASSERTION_TYPE, assertionClaims } from '../protocol/receipt.ts';
import { upstreamOrigin } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof, ReceivedRequest } from './paid-request.ts';

/** The gateway signs an older assertion again: it is valid for one minute, and a chain look-up or a settlement has used part of that. */
const MAX_AGE: Seconds = 5;

/**
 * Signs `X-Agent-Assertion`, with which an upstream verifies that the call came through the gateway and what it may cost. Signs while the
 * account decides, because nothing in it depends on the decision; without a "go" the assertion is never sent. Waits for the decision if
 * only the chain can confirm the signature, so that invented payments cost no signature.
 *
 * @param attempt becomes the `jti`.
 * @returns a function that resolves to the assertion.
 */
export const beginAssertion = (
  gateway: Gateway,
  tool: Tool,
  received: ReceivedRequest,
  checked: CheckedProof,
  attempt: Hex,
): (() => Promise<string>) => {
  const sign = (now: Seconds): Promise<string> =>
    gateway.signer.sign(
      assertionClaims(
        {
          iss: received.audience,
          aud: upstreamOrigin(gateway.config, tool),
          account: accountId(checked.network, checked.payer),
          call: checked.call,
          tool: tool.id,
          digest: received.payloadDigest,
          binding: checked.binding,
          max: checked.price,
          jti: attempt,
        },
        now,
      ),
      ASSERTION_TYPE,
    );
  const begun = nowSeconds();
  const early = checked.signedByKey && checked.execute ? sign(begun) : undefined;
  // An assertion that is never sent must not cause an unhandled rejection.
  early?.catch(() => undefined);
  return () => {
    const now = nowSeconds();
    return early === undefined || now - begun > MAX_AGE ? sign(now) : early;
  };
};
