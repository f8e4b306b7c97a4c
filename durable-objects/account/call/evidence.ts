import type { HeldPayment } from './call-record.ts';
import type { Context } from '../decision.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import { comparedParams } from '../../../src/policy/rules/conditions.ts';
import { policyJson } from '../../../src/policy/policy.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import { bytesOf } from '../../../src/crypto/bytes.ts';
import { nativeSha256 } from '../../../src/crypto/native-crypto.ts';
import type { Consent } from '../../../src/protocol/account/grant.ts';
import type { Json } from '../../../src/protocol/entry.ts';

/**
 * The signed fields, verbatim: anyone can check an acceptance offline (law 11). Of a token signature it keeps only the SHA-256, because
 * a signature that is released later could be presented by any reader of the log. The entry that ends the payment has the signature
 * itself.
 */
export const callEvidence = (call: Consent): { readonly [key: string]: Json } => ({
  proof: call.proof,
  ...(call.audience === undefined ? {} : { audience: call.audience }),
  ...(call.payment === undefined
    ? {}
    : { token: call.payment.token, ...signedFields(call.payment), ...permitFields(call.payment) }),
  ...(call.payment === undefined
    ? {}
    : { signatureDigest: signatureDigest(call.payment.signature) }),
  ...(call.intent === undefined
    ? {}
    : {
        intent: call.intent.fields,
        ...(call.intent.signature === undefined ? {} : { intentSignature: call.intent.signature }),
      }),
  ...checkedAt(call),
});

/** As `callEvidence`, for a denied call: its intent could still be presented, so the log keeps only the SHA-256 of that signature too. */
export const deniedEvidence = (call: Consent): { readonly [key: string]: Json } => {
  const { intentSignature, ...evidence } = callEvidence(call);
  return typeof intentSignature === 'string'
    ? { ...evidence, intentSignatureDigest: signatureDigest(intentSignature as Hex) }
    : evidence;
};

/** Names every policy and grant that bound a call. If there are several, `policy` is the hash of this list. */
export const policyEvidence = (
  policies: NonNullable<Denial['policies']>,
): { readonly [key: string]: Json } =>
  policies.length > 1 ? { policies: policies.map((origin) => ({ ...origin })) } : {};

/**
 * Only the parameters that the conditions of the call's policies compare, as the gateway read them: an auditor needs them to evaluate the
 * conditions again (docs/audit-format.md). `null`: the tool declares no such parameter.
 */
export const paramEvidence = (
  sources: readonly Pick<Source, 'policy'>[],
  { tool, params = {} }: Pick<Call, 'tool' | 'params'>,
): { readonly [key: string]: Json } => {
  const names = comparedParams(
    sources.map(({ policy }) => policy),
    tool,
  );
  const read = (name: string): Json => (Object.hasOwn(params, name) ? { ...params[name] } : null);
  return names.length === 0
    ? {}
    : { params: Object.fromEntries(names.map((name) => [name, read(name)])) };
};

/**
 * Names the terms of the tool, and contains in full each text that the log of the gateway's account may lack. The default policy is this
 * object's own: during a deploy, the Worker may have published another one.
 */
export const textEvidence = (
  { terms, loggedPolicy }: Call,
  { policy, policies = [] }: Pick<Denial, 'policy' | 'policies'>,
  standard: Pick<Context, 'policy' | 'policyHash'>,
): { readonly [key: string]: Json } => {
  const { policyHash } = standard;
  const binds = policy === policyHash || policies.some(({ hash }) => hash === policyHash);
  return {
    ...(terms === undefined ? {} : { terms: terms.hash }),
    ...(terms?.document === undefined ? {} : { document: terms.document as unknown as Json }),
    ...(binds && loggedPolicy !== policyHash
      ? { policy: policyJson(standard.policy) as Json }
      : {}),
  };
};

/** The block at which a contract accepted a signature: offline, only the chain at that block can confirm it (ERC-1271). */
export const checkedAt = ({
  contractCheckedAt,
}: {
  readonly contractCheckedAt?: number | undefined;
}): { readonly contractCheckedAt?: number } =>
  contractCheckedAt === undefined ? {} : { contractCheckedAt };

/** The signature of a payment that can no longer be presented: used on chain, or expired. */
export const spentSignature = (held: HeldPayment | undefined): { readonly [key: string]: Json } =>
  held?.signature === undefined ? {} : { signature: held.signature };

const signatureDigest = (signature: Hex): Hex => nativeSha256(bytesOf(signature));

/** What the payer of a Permit2 permit signed besides `authorization`. */
const permitFields = ({ permit }: HeldPayment): { readonly facilitator?: Json } =>
  permit === undefined ? {} : { facilitator: permit.facilitator };

/** Keys in canonical order (RFC 8785 §3.2.3), so that `canonicalJson` need not copy the object. */
const signedFields = ({ authorization }: HeldPayment): { readonly authorization: Json } => ({
  authorization: {
    from: authorization.from,
    nonce: authorization.nonce,
    to: authorization.to,
    validAfter: authorization.validAfter.toString(),
    validBefore: authorization.validBefore.toString(),
    value: authorization.value.toString(),
  },
});
