import type { Config } from '../config.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { problem } from '../protocol/problem/problem.ts';
import { descriptionUrl } from './description-path.ts';
import type { Head } from './head.ts';

/**
 * The 401 for what costs nothing: how to prove a key (design §4.4). It says what the server saw of the request, so that a client
 * whose proxy or library changed something sees what it has to sign. It says nothing of the body, which nobody has read.
 */
export const challenge = (
  config: Config,
  { audience, tool, method, target, contentType }: Head,
): Promise<Response> =>
  problem(
    {
      reason: 'intent_required',
      audience,
      networks: config.networks,
      tool,
      intent: {
        audience,
        tool,
        method,
        target,
        contentType,
        payTo: ZERO_ADDRESS,
        asset: ZERO_ADDRESS,
        maxAmount: '0',
      },
    },
    { docs: descriptionUrl(audience) },
  );
