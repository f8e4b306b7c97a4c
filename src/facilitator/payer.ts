import { nowSeconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { PayerFacts } from '../protocol/account/call.ts';
import { checkContractSignature, readPayerFacts } from '../settlement/chain/payer.ts';
import { type CheckedPayment, invalidSignature } from './check-payment.ts';
import type { Refusal } from './refusal.ts';

/** The services that look at the chain. */
type ChainAccess = Pick<Gateway, 'config' | 'chainHealth'>;

/** Reads the facts about the payer in one JSON-RPC batch; undefined if no node gives a usable answer. */
export const readPayer = async (
  { config, chainHealth }: ChainAccess,
  { payment: { token, authorization } }: CheckedPayment,
): Promise<PayerFacts | undefined> => {
  const { network } = token;
  const urls = config.rpcUrls.get(network) ?? [];
  const { from, nonce } = authorization;
  const facts = await readPayerFacts(urls, from, token, nonce, nowSeconds());
  chainHealth.note(network, facts.ok, nowSeconds());
  return facts.ok ? facts.value : undefined;
};

/** Whether a payment can settle now: `open`, or `ended` if the payer used or cancelled its nonce, or the authorization ended. */
export type Standing = 'open' | 'ended';

/**
 * Checks the facts that only the chain shows: whether the signature is valid, and whether the payer has the money. An account with code
 * must accept the signature itself (ERC-1271, EIP-7702). A payment that has ended needs no funds: the payer may have spent its last unit on
 * it.
 *
 * @returns undefined if no node gives a usable answer.
 */
export const checkOnChain = async (
  { config }: ChainAccess,
  { payment, digest, signedByKey, isExpired }: CheckedPayment,
  { hasCode, balance, nonceUsed }: PayerFacts,
): Promise<Result<Standing, Refusal> | undefined> => {
  const { token, authorization, signature } = payment;
  const { from: payer, value } = authorization;
  if (hasCode) {
    const urls = config.rpcUrls.get(token.network) ?? [];
    const contract = await checkContractSignature(urls, payer, digest, signature);
    if (!contract.ok) return undefined;
    if (!contract.value.valid) return invalidSignature;
  } else if (!signedByKey) return invalidSignature;
  if (nonceUsed || isExpired) return ok('ended');
  if (balance >= value) return ok('open');
  return err({
    reason: 'invalid_exact_evm_insufficient_balance',
    message: `The payer has ${balance} of ${value}.`,
    payer,
  });
};
