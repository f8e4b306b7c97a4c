import type { Tool } from '../catalog/tool.ts';
import { accountId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { ASSERTION_TYPE, assertionClaims } from '../protocol/receipt.ts';
import type { Checked } from './checked.ts';
import { upstreamOrigin } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { Observed } from './observe.ts';

/** An assertion older than this is signed anew: a chain was asked meanwhile, or money moved, and it is good for a minute only. */
const MOST_WAIT: Seconds = 5;

/**
 * What the upstream can check: that this very call came through the gateway, and what it may cost (design §4.8). It is signed while the
 * account decides, because it says nothing that depends on the decision; without leave to run the tool nobody ever sees it. Where nothing
 * but the chain can still vouch for the payer, it waits: invented payments are not worth a signature.
 *
 * @param attempt its `jti`: the attempt that the account is asked about.
 */
export const beginAssertion = (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  checked: Checked,
  attempt: Hex,
): (() => Promise<string>) => {
  const sign = (now: Seconds): Promise<string> =>
    gateway.signer.sign(
      assertionClaims(
        {
          iss: observed.audience,
          aud: upstreamOrigin(gateway.config, tool),
          account: accountId(checked.network, checked.payer),
          call: checked.call,
          tool: tool.id,
          digest: observed.payloadDigest,
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
  // Where it fails and is never asked for, it fails nobody.
  early?.catch(() => undefined);
  return () => {
    const now = nowSeconds();
    return early === undefined || now - begun > MOST_WAIT ? sign(now) : early;
  };
};
