import { err, ok, type Result } from '../../core/result.ts';
import { accountId } from '../../protocol/account-id.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import type { Gateway } from '../gateway.ts';
import type { CheckedProof } from '../paid-request.ts';
import { type OnChainCheck, verifyOnChain } from '../verify-on-chain.ts';

/** The verdicts of an account that does not answer a question. */
type NoAnswer = { readonly verdict: 'stale_payer' | 'contract_only' | 'unavailable' };

const isNoAnswer = <V extends { readonly verdict: string }>(
  answer: V | NoAnswer,
): answer is NoAnswer => ['stale_payer', 'contract_only', 'unavailable'].includes(answer.verdict);

/** Chain facts about the signer, sent to its account with the question. */
type SignerFacts = Partial<Pick<OnChainCheck, 'facts'> & OnChainCheck['checkedAt']>;

/**
 * Asks the account of a signer a question that reads and never writes. Asks the chain at most once: before the account if the signer's
 * key did not sign, because then only its contract can accept the signature; otherwise only if the account requests chain facts.
 */
export const askAccount = async <V extends { readonly verdict: string }>(
  gateway: Gateway,
  signer: CheckedProof,
  client: string,
  ask: (account: ReturnType<Gateway['account']>, facts: SignerFacts) => Promise<V>,
): Promise<Result<Exclude<V, NoAnswer>, Reason>> => {
  const account = accountId(signer.network, signer.payer);
  const askWith = async (facts: SignerFacts): Promise<V | NoAnswer> => {
    try {
      return await ask(gateway.account(account), facts);
    } catch (cause) {
      // Any error on the way is a refusal (law 2).
      console.error({ event: 'question_failed', account, cause: String(cause) });
      return { verdict: 'unavailable' };
    }
  };
  if (signer.signedByKey) {
    const answer = await askWith({});
    if (answer.verdict !== 'stale_payer' && answer.verdict !== 'contract_only') {
      return answered(signer, answer);
    }
  }
  const verified = await verifyOnChain(gateway, signer, client);
  if (!verified.ok) return verified;
  const { facts, checkedAt } = verified.value;
  return answered(signer, await askWith({ facts, ...checkedAt }));
};

const answered = <V extends { readonly verdict: string }>(
  { signatureField }: CheckedProof,
  answer: V | NoAnswer,
): Result<Exclude<V, NoAnswer>, Reason> => {
  if (!isNoAnswer(answer)) return ok(answer as Exclude<V, NoAnswer>);
  switch (answer.verdict) {
    case 'contract_only':
      return err({ reason: 'invalid_signature', field: signatureField, fault: 'contract_only' });
    // The account may request fresh chain facts once. A second request means that its answers are inconsistent.
    case 'stale_payer':
      return err({ reason: 'payer_unreachable' });
    case 'unavailable':
      return err({ reason: 'storage_unavailable' });
  }
};
