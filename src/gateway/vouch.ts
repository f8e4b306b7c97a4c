import type { GrantCheck, GrantProof, PayerFacts } from '../protocol/account/call.ts';
import { type AccountId, accountId, type Network } from '../protocol/account-id.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { checkContractSignature } from '../settlement/chain/contract-signature.ts';
import { readPayerFacts } from '../settlement/chain/payer-facts.ts';
import type { Checked } from './checked.ts';
import type { Gateway } from './gateway.ts';
import { mayPass, TOO_MANY } from './shield.ts';

/** What the chain says of an account; `checkedAt` is empty where its key's signature counts. */
export type Vouched = {
  readonly facts: PayerFacts;
  readonly checkedAt: { readonly contractCheckedAt?: number };
};

/** What somebody signed, whose account is to stand by it. `call`: the nonce whose state the chain is asked for. */
export type Signed = Pick<
  Checked,
  'network' | 'payer' | 'token' | 'call' | 'digest' | 'signature' | 'signatureField' | 'signedByKey'
>;

/** Asks the chain about an account; one with code must accept the signature itself, its key's does not count (§4.7). */
export const vouch = async (
  gateway: Gateway,
  checked: Signed,
  client: string,
): Promise<Result<Vouched, Reason>> => {
  const asked = await urlsFor(gateway, checked.network, client, payerOf(checked));
  if (!asked.ok) return asked;
  const urls = asked.value;
  const facts = await readPayerFacts(
    urls,
    checked.payer,
    checked.token,
    checked.call,
    nowSeconds(),
  );
  gateway.chainHealth.note(checked.network, facts.ok, nowSeconds());
  if (!facts.ok) return err({ reason: 'payer_unreachable' });
  if (!facts.value.hasCode) {
    return checked.signedByKey
      ? ok({ facts: facts.value, checkedAt: {} })
      : refused(checked, 'wrong_signer');
  }
  const verdict = await checkContractSignature(
    urls,
    checked.payer,
    checked.digest,
    checked.signature,
  );
  if (!verdict.ok) return err({ reason: 'payer_unreachable' });
  return verdict.value.valid
    ? ok({ facts: facts.value, checkedAt: { contractCheckedAt: verdict.value.block } })
    : refused(checked, 'contract_refused');
};

/** Law 12: a stranger's signatures are free to make, our look-ups are not. */
const urlsFor = async (
  gateway: Gateway,
  on: Network,
  client: string,
  payer: AccountId | undefined,
): Promise<Result<readonly string[], Reason>> =>
  (await mayPass(gateway, client, 'facts', payer)) === 'yes'
    ? ok(gateway.config.rpcUrls.get(on) ?? [])
    : err(TOO_MANY);

/** The account that signed; undefined while only its contract could say so. */
const payerOf = ({ network, payer, signedByKey }: Signed): AccountId | undefined =>
  signedByKey ? accountId(network, payer) : undefined;

const refused = (checked: Signed, fault: string): Result<never, Reason> =>
  err({ reason: 'invalid_signature', field: checked.signatureField, fault });

/**
 * Asks an account, and the chain at most once: before it where the signature is not the key's, because then only the account's code
 * can vouch for it (§4.7); after it where the account wants fresher facts.
 */
export const askVouched = async <A>(
  gateway: Gateway,
  checked: Checked,
  client: string,
  ask: (vouched: Vouched | undefined) => Promise<A>,
  wantsFacts: (answer: A) => boolean,
): Promise<Result<A, Reason>> => {
  if (checked.signedByKey) {
    const answer = await ask(undefined);
    if (!wantsFacts(answer)) return ok(answer);
  }
  const vouched = await vouch(gateway, checked, client);
  return vouched.ok ? ok(await ask(vouched.value)) : vouched;
};

/** A chain of grants is no longer (design §4.5). */
const MAX_PROOFS = 3;

/**
 * Asks the contracts that issued an account's grants whether they still stand by them (design §4.5). A node in trouble is no answer:
 * nothing runs on a grant that nobody vouches for.
 */
export const vouchGrants = async (
  gateway: Gateway,
  checked: Signed,
  proofs: readonly GrantProof[],
  client: string,
): Promise<Result<readonly GrantCheck[], Reason>> => {
  if (proofs.length > MAX_PROOFS) return err({ reason: 'internal' });
  const urls = await urlsFor(gateway, checked.network, client, payerOf(checked));
  if (!urls.ok) return urls;
  const at = nowSeconds();
  const asked = await Promise.all(
    proofs.map(async ({ issuer, hash, signature }): Promise<GrantCheck | undefined> => {
      const answer = await checkContractSignature(urls.value, issuer, hash, signature);
      return answer.ok ? { hash, valid: answer.value.valid, at } : undefined;
    }),
  );
  const checks = asked.filter((check) => check !== undefined);
  return checks.length === proofs.length ? ok(checks) : err({ reason: 'payer_unreachable' });
};
