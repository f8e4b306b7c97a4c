import { accountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Checked } from './checked.ts';
import type { Gateway } from './gateway.ts';
import { askVouched, type Vouched } from './vouch.ts';

/** What an account says instead of an answer, to any question of its holder. */
type Silence = { readonly verdict: 'stale_payer' | 'contract_only' | 'unavailable' };

const isSilence = <V extends { readonly verdict: string }>(
  answer: V | Silence,
): answer is Silence => ['stale_payer', 'contract_only', 'unavailable'].includes(answer.verdict);

/** Of an account, as a question carries it. */
type Known = Partial<Pick<Vouched, 'facts'> & Vouched['checkedAt']>;

/**
 * Asks the account of whoever signed, which then need not be told who asks: it reads, and never writes. The chain is asked at most
 * once, where the account wants to know whether a key may speak for it at all (§4.7).
 */
export const askOwn = async <V extends { readonly verdict: string }>(
  gateway: Gateway,
  asker: Checked,
  client: string,
  ask: (account: ReturnType<Gateway['account']>, known: Known) => Promise<V>,
): Promise<Result<Exclude<V, Silence>, Reason>> => {
  const account = accountId(asker.network, asker.payer);
  const answered = await askVouched(
    gateway,
    asker,
    client,
    async (vouched): Promise<V | Silence> => {
      try {
        const known = vouched === undefined ? {} : { facts: vouched.facts, ...vouched.checkedAt };
        return await ask(gateway.account(account), known);
      } catch (cause) {
        // Any error on the way is a refusal (law 2).
        console.error({ event: 'question_failed', account, cause: String(cause) });
        return { verdict: 'unavailable' };
      }
    },
    ({ verdict }) => verdict === 'stale_payer' || verdict === 'contract_only',
  );
  if (!answered.ok) return answered;
  const answer = answered.value;
  if (!isSilence(answer)) return ok(answer as Exclude<V, Silence>);
  switch (answer.verdict) {
    case 'contract_only':
      return err({
        reason: 'invalid_signature',
        field: asker.signatureField,
        fault: 'contract_only',
      });
    // The account asks once; asked twice, it is refused rather than believed.
    case 'stale_payer':
      return err({ reason: 'payer_unreachable' });
    case 'unavailable':
      return err({ reason: 'storage_unavailable' });
  }
};
