import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { ASSERTION_TYPE, assertionClaims } from '../crypto/statement.ts';
import { upstreamOrigin } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { Observed } from './observe.ts';
import type { Reserved } from './reserve.ts';

/** What the upstream can check: that this very call came through the gateway, and what it may cost (design §4.8). */
export const assertionOf = (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  { call, attempt }: Reserved,
): Promise<string> =>
  gateway.signer.sign(
    assertionClaims(
      {
        iss: observed.audience,
        aud: upstreamOrigin(gateway.config, tool),
        account: call.account,
        call: call.call,
        tool: call.tool,
        digest: observed.payloadDigest,
        binding: call.binding,
        max: call.price,
        jti: attempt,
      },
      nowSeconds(),
    ),
    ASSERTION_TYPE,
  );
