import type * as z from 'zod/mini';
import { account, hash, letterId, toolId, webhookName } from './fields.ts';
import type { ParamName } from './paths.ts';

/** What may stand in a path, by the name it has there. */
export const PARAMS = {
  account,
  call: hash,
  tool: toolId,
  webhook: webhookName,
  letter: letterId,
} as const satisfies Record<ParamName, z.ZodMiniType>;
