import { nowSeconds } from '../core/clock.ts';
import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { classifySignature, type SignatureFault } from '../crypto/signature-shape.ts';
import { verifyStrict } from '../crypto/verifier.ts';
import { accountId, type Network } from '../protocol/account-id.ts';
import type { GrantCheck, GrantProof, PayerFacts } from '../protocol/account/call.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import {
  checkContractSignature,
  hasNodeAnswered,
  readPayerFacts,
} from '../settlement/chain/payer.ts';
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

/** The verifier of a signature: the account's contract at a block (ERC-1271), or the account's key if empty. */
export type SignatureCheck = { readonly contractCheckedAt?: number };

/** The chain's facts about a payer. */
export type OnChainCheck = { readonly facts: PayerFacts; readonly checkedAt: SignatureCheck };

/** A signature and the account that it is attributed to. `call`: the nonce whose state the gateway reads from the chain. */
export type AttributedSignature = Pick<
  CheckedProof,
  | 'network'
  | 'payer'
  | 'token'
  | 'call'
  | 'payment'
  | 'digest'
  | 'signature'
  | 'signatureField'
  | 'signedByKey'
>;

/**
 * Reads the chain's facts about a payer and finishes the verification of its signature. If the account has code, its contract must accept
 * the signature (ERC-1271), because the token will ask it too; the signature of its key does not count.
 */
export const verifyOnChain = async (
  gateway: Gateway,
  signed: AttributedSignature,
  client: string,
): Promise<Result<OnChainCheck, Reason>> => {
  const nodes = await nodesFor(gateway, signed, client, 'payer');
  if (!nodes.ok) return nodes;
  const urls = nodes.value;
  const readFacts =
    signed.payment?.permit === undefined
      ? readPayerFacts
      : (await import('../settlement/chain/permit-payer.ts')).readPermitFacts;
  const facts = await readFacts(urls, signed.payer, signed.token, signed.call, nowSeconds());
  gateway.chainHealth.note(signed.network, facts.ok, nowSeconds());
  if (!facts.ok) return silent(signed.network, 'payer');
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
  gateway.chainHealth.note(signed.network, hasNodeAnswered(contract), nowSeconds());
  if (!contract.ok) return silent(signed.network, 'signature');
  return contract.value.valid
    ? ok({ facts: facts.value, checkedAt: { contractCheckedAt: contract.value.block } })
    : invalidSignature(signed, 'contract_refused');
};

type ChainNeed = (Reason & { readonly reason: 'payer_unreachable' })['needs'];

export const silent = (network: Network, needs: ChainNeed): Result<never, Reason> =>
  err({ reason: 'payer_unreachable', network, needs });

type ChainUser = Pick<AttributedSignature, 'network' | 'payer' | 'signedByKey'>;

/** Whether the rate limiter admits a look-up: signatures are free to make, look-ups cost money (law 12). */
export const admitsLookUp = async (
  gateway: Gateway,
  { network, payer, signedByKey }: ChainUser,
  client: string,
): Promise<Result<undefined, Reason>> => {
  // Until the contract confirms the signature, anyone may have named this account.
  const known = signedByKey ? accountId(network, payer) : undefined;
  const passes = await passesRateLimit(gateway, client, 'facts', known);
  return passes === 'yes' ? ok(undefined) : err(TOO_MANY);
};

/** Returns the nodes of a network, unless all were silent a moment ago: an outage must not delay every request that needs the chain. */
export const nodesOf = (
  { chainHealth, config }: Gateway,
  network: Network,
  needs: ChainNeed,
): Result<readonly string[], Reason> =>
  chainHealth.admits(network, nowSeconds())
    ? ok(config.rpcUrls.get(network) ?? [])
    : silent(network, needs);

/** The two checks before each request to the chain. */
const nodesFor = async (
  gateway: Gateway,
  signed: ChainUser,
  client: string,
  needs: ChainNeed,
): Promise<Result<readonly string[], Reason>> => {
  const admitted = await admitsLookUp(gateway, signed, client);
  return admitted.ok ? nodesOf(gateway, signed.network, needs) : admitted;
};

export const invalidSignature = (
  { signatureField }: Pick<AttributedSignature, 'signatureField'>,
  fault: string,
): Result<never, Reason> => err({ reason: 'invalid_signature', field: signatureField, fault });

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
  const urls = await nodesFor(gateway, signed, client, 'grant');
  if (!urls.ok) return urls;
  const at = nowSeconds();
  const answers = await Promise.all(
    proofs.map(async ({ issuer, hash, signature }): Promise<GrantCheck | undefined> => {
      const answer = await checkContractSignature(urls.value, issuer, hash, signature);
      return answer.ok ? { hash, valid: answer.value.valid, at } : undefined;
    }),
  );
  const checks = answers.filter((check) => check !== undefined);
  const isComplete = checks.length === proofs.length;
  gateway.chainHealth.note(signed.network, isComplete, nowSeconds());
  return isComplete ? ok(checks) : silent(signed.network, 'grant');
};
