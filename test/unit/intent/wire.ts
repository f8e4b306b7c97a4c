import type { AgentIntent } from '../../../src/intent/agent-intent.ts';
import type { Hex } from '../../../src/core/account-id.ts';

/** The wire form of an intent: every field a string. */
export type IntentWire = Record<keyof AgentIntent, string>;

/** Reads a published intent without the code under test. */
export const intentOf = (wire: IntentWire): AgentIntent => ({
  ...wire,
  agent: wire.agent.toLowerCase() as Hex,
  payTo: wire.payTo.toLowerCase() as Hex,
  asset: wire.asset.toLowerCase() as Hex,
  payloadDigest: wire.payloadDigest as Hex,
  nonce: wire.nonce as Hex,
  authority: wire.authority as Hex,
  maxAmount: BigInt(wire.maxAmount),
  validAfter: BigInt(wire.validAfter),
  validBefore: BigInt(wire.validBefore),
});
