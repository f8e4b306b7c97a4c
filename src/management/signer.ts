import { createBoundedMap } from '../core/bounded-map.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { CheckedProof } from '../gateway/paid-request.ts';
import { verifyControl } from '../gateway/verify-control.ts';
import type { SignatureCheck } from '../gateway/verify-signature.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/** The account or the session that signed a request. The chain has not been asked yet. */
export type Signer = Pick<
  CheckedProof,
  | 'network'
  | 'payer'
  | 'token'
  | 'call'
  | 'digest'
  | 'signature'
  | 'signatureField'
  | 'signedByKey'
  | 'validBefore'
  | 'intent'
> & { readonly kind: CheckedProof['kind'] | 'session' };

/** For how many sessions an isolate remembers the chain's answer. */
const KEPT_SESSIONS = 1024;
/** A dashboard asks every few seconds, and a wallet seldom becomes a contract. */
const CHAIN_ANSWER_VALID: Seconds = 60;

type Answer = { readonly at: Seconds; readonly check: Result<SignatureCheck, Reason> };
const answers = createBoundedMap<string, Answer>(KEPT_SESSIONS);

/** Like `verifyControl`. The gateway caches the chain's answer about a session for a minute. */
export const verifySigner = async (
  gateway: Gateway,
  signer: Signer,
  client: string,
): Promise<Result<SignatureCheck, Reason>> => {
  if (signer.kind !== 'session') return verifyControl(gateway, signer, client);
  const id = `${signer.payer} ${signer.digest} ${signer.signature}`;
  const known = answers.get(id);
  if (known !== undefined && nowSeconds() < known.at + CHAIN_ANSWER_VALID) return known.check;
  const check = await verifyControl(gateway, signer, client);
  if (check.ok) answers.set(id, { at: nowSeconds(), check });
  return check;
};
