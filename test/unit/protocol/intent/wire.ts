import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import type { AgentIntent } from '../../../../src/protocol/intent/agent-intent.ts';
import type { AgentRevocation } from '../../../../src/protocol/intent/agent-revocation.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import vectors from '../../../vectors/countersign-v1.json';

/** The wire form of an intent: every field a string. */
export type IntentWire = Record<keyof AgentIntent, string>;

const lower = (text: string): Hex => text.toLowerCase() as Hex;

/** Parses a published intent without the code under test. */
export const intentOf = (wire: IntentWire): AgentIntent => ({
  ...wire,
  agent: lower(wire.agent),
  payTo: lower(wire.payTo),
  asset: lower(wire.asset),
  payloadDigest: wire.payloadDigest as Hex,
  nonce: wire.nonce as Hex,
  authority: wire.authority as Hex,
  maxAmount: BigInt(wire.maxAmount),
  validAfter: BigInt(wire.validAfter),
  validBefore: BigInt(wire.validBefore),
});

const grant = vectors.delegation.message;

/** The published delegation, parsed without the code under test. */
export const DELEGATION: AgentDelegation = {
  ...grant,
  issuer: lower(grant.issuer),
  delegate: lower(grant.delegate),
  payees: grant.payees.map(lower),
  asset: lower(grant.asset),
  maxPerCall: BigInt(grant.maxPerCall),
  maxTotal: BigInt(grant.maxTotal),
  windowSeconds: BigInt(grant.windowSeconds),
  maxPerWindow: BigInt(grant.maxPerWindow),
  validAfter: BigInt(grant.validAfter),
  validUntil: BigInt(grant.validUntil),
  epoch: BigInt(grant.epoch),
  id: lower(grant.id),
  parent: lower(grant.parent),
};

const taken = vectors.revocation.message;

/** The published revocation, parsed without the code under test. */
export const REVOCATION: AgentRevocation = {
  issuer: lower(taken.issuer),
  id: lower(taken.id),
  epoch: BigInt(taken.epoch),
  issuedAt: BigInt(taken.issuedAt),
};

/** The members of a published EIP-712 type, in viem's form. */
export const membersOf = (typeString: string): { type: string; name: string }[] =>
  typeString
    .slice(typeString.indexOf('(') + 1, -1)
    .split(',')
    .map((field) => {
      const [type = '', name = ''] = field.split(' ');
      return { type, name };
    });
