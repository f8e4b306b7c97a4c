import { nowSeconds } from '../core/clock.ts';
import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { classifySignature, type SignatureFault } from '../crypto/signature-shape.ts';
import { verifyStrict } from '../crypto/verifier.ts';
import { accountId, type AccountId, type Network } from '../protocol/account-id.ts';
import type { GrantCheck, GrantProof, PayerFacts } from '../protocol/account/call.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { checkContractSignature, readPayerFacts } from '../settlement/chain/payer.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof } from './paid-request.ts';
import { passesRateLimit, TOO_MANY } from './rate-limit.ts';

/**
 * Verifies a signature without network access.
 *
 * @returns true if the account's key signed; false if only the account's contract could accept it (ERC-1271).
 */
export const checkSignature = (
  payer: Address,
  digest: Hex,
  signature: Hex,
  field: string,
): Result<boolean, Reason> => {
  const refuse = (fault: SignatureFault): Result<boolean, Reason> =>
    fault.reason === 'counterfactual_signature'
      ? err({ reason: 'unsupported_signature', field })
      : err({ reason: 'invalid_signature', field, fault: fault.reason });
  const shape = classifySignature(signature);
  if (!shape.ok) return refuse(shape.error);
  if (shape.value === 'contract') return ok(false);
  const verified = verifyStrict(payer, digest, signature);
  if (verified.ok) return ok(true);
  // A contract account's signature looks like one by another key. A malleable signature belongs to no account.
  return verified.error.reason === 'wrong_signer' || verified.error.reason === 'unrecoverable'
    ? ok(false)
    : refuse(verified.error);
};

/** The chain's facts about a signer. `checkedAt` is empty if its key signed and no contract verified the signature. */
export type OnChainCheck = {
  readonly facts: PayerFacts;
  readonly checkedAt: { readonly contractCheckedAt?: number };
};

/** A signature and the account that it is attributed to. `call`: the nonce whose state the gateway reads from the chain. */
type AttributedSignature = Pick<
  CheckedProof,
  'network' | 'payer' | 'token' | 'call' | 'digest' | 'signature' | 'signatureField' | 'signedByKey'
>;

/**
 * Reads the chain's facts about a signer and finishes the verification of its signature. An account with code must accept the signature
 * itself (ERC-1271); the signature of its key does not count.
 */
export const verifyOnChain = async (
  gateway: Gateway,
  signed: AttributedSignature,
  client: string,
): Promise<Result<OnChainCheck, Reason>> => {
  const limited = await rpcUrlsFor(gateway, signed.network, client, payerOf(signed));
  if (!limited.ok) return limited;
  const urls = limited.value;
  const facts = await readPayerFacts(urls, signed.payer, signed.token, signed.call, nowSeconds());
  gateway.chainHealth.note(signed.network, facts.ok, nowSeconds());
  if (!facts.ok) return err({ reason: 'payer_unreachable' });
  if (!facts.value.hasCode) {
    return signed.signedByKey
      ? ok({ facts: facts.value, checkedAt: {} })
      : invalidSignature(signed, 'wrong_signer');
  }
  const contract = await checkContractSignature(
    urls,
    signed.payer,
    signed.digest,
    signed.signature,
  );
  if (!contract.ok) return err({ reason: 'payer_unreachable' });
  return contract.value.valid
    ? ok({ facts: facts.value, checkedAt: { contractCheckedAt: contract.value.block } })
    : invalidSignature(signed, 'contract_refused');
};

/** Returns the RPC URLs of a network if the rate limiter admits the look-up: signatures are free to make, look-ups cost money (law 12). */
const rpcUrlsFor = async (
  gateway: Gateway,
  on: Network,
  client: string,
  payer: AccountId | undefined,
): Promise<Result<readonly string[], Reason>> =>
  (await passesRateLimit(gateway, client, 'facts', payer)) === 'yes'
    ? ok(gateway.config.rpcUrls.get(on) ?? [])
    : err(TOO_MANY);

/** Returns the signer's account; undefined while only its contract could confirm that it signed. */
const payerOf = ({ network, payer, signedByKey }: AttributedSignature): AccountId | undefined =>
  signedByKey ? accountId(network, payer) : undefined;

const invalidSignature = (signed: AttributedSignature, fault: string): Result<never, Reason> =>
  err({ reason: 'invalid_signature', field: signed.signatureField, fault });

/** The maximum length of a chain of grants. */
const MAX_PROOFS = 3;

/**
 * Asks the contracts that issued an account's grants whether they still accept their signatures. An unreachable node refuses the call: no
 * call runs on an unconfirmed grant.
 */
export const verifyGrantsOnChain = async (
  gateway: Gateway,
  signed: AttributedSignature,
  proofs: readonly GrantProof[],
  client: string,
): Promise<Result<readonly GrantCheck[], Reason>> => {
  if (proofs.length > MAX_PROOFS) return err({ reason: 'internal' });
  const urls = await rpcUrlsFor(gateway, signed.network, client, payerOf(signed));
  if (!urls.ok) return urls;
  const at = nowSeconds();
  const answers = await Promise.all(
    proofs.map(async ({ issuer, hash, signature }): Promise<GrantCheck | undefined> => {
      const answer = await checkContractSignature(urls.value, issuer, hash, signature);
      return answer.ok ? { hash, valid: answer.value.valid, at } : undefined;
    }),
  );
  const checks = answers.filter((check) => check !== undefined);
  return checks.length === proofs.length ? ok(checks) : err({ reason: 'payer_unreachable' });
};
