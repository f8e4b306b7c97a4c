import { nowSeconds } from '../core/clock.ts';
import { type Address, ZERO_HASH } from '../core/hex.ts';
import { ok, type Result } from '../core/result.ts';
import type { Network } from '../protocol/account-id.ts';
import type { PayerFacts } from '../protocol/account/call.ts';
import type { Token } from '../protocol/payment.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import {
  checkContractSignature,
  hasNodeAnswered,
  readPayerFacts,
} from '../settlement/chain/payer.ts';
import type { Gateway } from './gateway.ts';
import {
  admitsLookUp,
  type AttributedSignature,
  invalidSignature,
  nodesOf,
  type SignatureCheck,
  silent,
} from './verify-signature.ts';

/**
 * Finishes the verification of a signature that moves no money. A signature of the address's own key needs no chain, so that an owner can
 * stop a fleet while every node is silent (law 13). This holds for an account with code too: only a delegated account (EIP-7702) has such a
 * key, and the chain lets that key do everything (DECISIONS.md). Only the contract can accept any other signature (ERC-1271).
 */
export const verifyControl = async (
  gateway: Gateway,
  signed: Omit<AttributedSignature, 'token' | 'call'>,
  client: string,
): Promise<Result<SignatureCheck, Reason>> => {
  if (!signed.signedByKey) return verifyByContract(gateway, signed, client);
  const admitted = await admitsLookUp(gateway, signed, client);
  return admitted.ok ? ok({}) : admitted;
};

/** Like `verifyControl`, for commands that move money: if the address has code, only its contract can accept the signature (ERC-1271). */
export const verifyByContract = async (
  gateway: Gateway,
  signed: Omit<AttributedSignature, 'token' | 'call'>,
  client: string,
): Promise<Result<SignatureCheck, Reason>> => {
  const admitted = await admitsLookUp(gateway, signed, client);
  if (!admitted.ok) return admitted;
  const nodes = nodesOf(gateway, signed.network, 'signature');
  if (!nodes.ok) return nodes;
  const { payer, digest, signature, network } = signed;
  const contract = await checkContractSignature(nodes.value, payer, digest, signature);
  gateway.chainHealth.note(network, hasNodeAnswered(contract), nowSeconds());
  if (!contract.ok) return silent(network, 'signature');
  const { valid, hasCode, block } = contract.value;
  // Only code can check a signature. An address without code may still return the value that accepts one: a precompile echoes its input.
  if (valid && hasCode) return ok({ contractCheckedAt: block });
  if (signed.signedByKey && !hasCode) return ok({});
  return invalidSignature(signed, hasCode ? 'contract_refused' : 'wrong_signer');
};

/** Reads whether an account that the gateway does not know holds money. Call only after the rate limiter admitted the request. */
export const readHolderFacts = async (
  gateway: Gateway,
  on: Network,
  holder: Address,
  token: Token,
): Promise<Result<PayerFacts, Reason>> => {
  const nodes = nodesOf(gateway, on, 'funds');
  if (!nodes.ok) return nodes;
  const facts = await readPayerFacts(nodes.value, holder, token, ZERO_HASH, nowSeconds());
  gateway.chainHealth.note(on, facts.ok, nowSeconds());
  return facts.ok ? facts : silent(on, 'funds');
};
