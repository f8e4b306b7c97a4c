import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { schemaFault, type WireFault } from '../fault.ts';
import { encodeBase64Url, utf8 } from '../../crypto/bytes.ts';
import { signature } from '../wire-fields.ts';
import { readJsonHeader, type JsonHeader } from '../json-header.ts';
import { agentIntentSchema, intentFields, type AgentIntent } from './agent-intent.ts';
import { chainId } from './domain.ts';

/** An intent with its signature and chain, as the header `Agent-Intent` carries them. */
export type SignedIntent = {
  readonly chainId: number;
  readonly intent: AgentIntent;
  readonly signature: Hex;
};

export const AGENT_INTENT_HEADER = 'Agent-Intent';
/** The longest header that the gateway accepts, in characters. */
export const MAX_AGENT_INTENT = 8192;
const HEADER: JsonHeader = {
  name: AGENT_INTENT_HEADER,
  limit: MAX_AGENT_INTENT,
  encoding: 'base64url',
};

const schema = z.strictObject(
  {
    v: z.literal(1, 'must be 1'),
    chainId,
    intent: agentIntentSchema,
    signature,
  },
  'must be an object {v, chainId, intent, signature}',
);

/**
 * Reads the header `Agent-Intent`: base64url, without padding, of JSON `{v:1, chainId, intent, signature}`, at most 8 KiB,
 * sent once (docs/wire-format.md §8). Checks the form only: not the signature, the validity window or the request.
 */
export const parseAgentIntent = (header: string): Result<SignedIntent, WireFault> => {
  const json = readJsonHeader(HEADER, header);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) {
    return err(schemaFault(AGENT_INTENT_HEADER, parsed.error.issues, { v: 'unsupported_version' }));
  }
  const { chainId: on, intent, signature: signed } = parsed.data;
  return ok({ chainId: on, intent, signature: signed });
};

/** Writes the header `Agent-Intent`. */
export const encodeAgentIntent = (signed: SignedIntent): string =>
  encodeBase64Url(
    utf8(
      JSON.stringify({
        v: 1,
        chainId: String(signed.chainId),
        intent: intentFields(signed.intent),
        signature: signed.signature,
      }),
    ),
  );
