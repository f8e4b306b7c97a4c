import type { Config } from '../config.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { RequestHead } from './paid-request.ts';

export const DESCRIPTION_PATH = '/.well-known/agent-intent';

/** Returns the URL of the page that explains how to sign. */
export const descriptionUrl = (audience: string): string => audience + DESCRIPTION_PATH;

/**
 * Answers 401 for a free route, with a challenge that explains how to prove a key. It states the request as the gateway saw it, so that a
 * client whose proxy or library changed something sees what to sign. It states no body digest, because the gateway has not read the body.
 */
export const challenge = (
  config: Config,
  { audience, tool, method, target, contentType }: RequestHead,
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
