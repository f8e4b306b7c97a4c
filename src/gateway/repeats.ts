import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import type { Call } from '../protocol/account/call.ts';
import { accountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Checked } from './checked.ts';
import type { ShownProof } from './claim.ts';
import { clientOf } from './client.ts';
import type { Gateway } from './gateway.ts';
import { mayPass } from './shield.ts';

/** How long repeats of an account are turned away unread once it is over the limit. One a second is verified and counted again. */
const CROWDED_FOR: Seconds = 1;

type Spent = Pick<Gateway, 'spentProofs'>;

/**
 * Whether an account is asked again about a call. A settled signature is public and verifies for ever, so anybody can send copies of it
 * (CWE-294). An expired proof has nothing left to run; a live one is a copy where this isolate has seen its call claimed.
 */
export const isRepeat = (
  { spentProofs }: Spent,
  { network, payer, call, execute }: Checked,
): boolean => !execute || spentProofs.has(accountId(network, payer), call);

/**
 * Whether the rate limiter lets a repeat on to its account. The payer is counted only where its key has signed: anybody can name a payer,
 * and what a contract has signed is looked up behind the client's limit.
 */
export const mayRepeat = async (
  gateway: Gateway,
  { network, payer, signedByKey }: Checked,
  headers: Headers,
  now: Seconds,
): Promise<boolean> => {
  const account = signedByKey ? accountId(network, payer) : undefined;
  const passes = await mayPass(gateway, clientOf(headers), 'repeat', account);
  if (passes === 'payer_full' && account !== undefined) {
    gateway.spentProofs.crowd(account, now + CROWDED_FOR);
  }
  return passes === 'yes';
};

/**
 * Whether a payment can be turned away before its body is read and its signature verified: it names a call that is spent, of an account
 * whose repeats are over the limit. A flood of copies must not cost the isolate a verification each.
 */
export const isCrowdedOut = ({ spentProofs }: Spent, proof: ShownProof, now: Seconds): boolean => {
  if (proof.kind !== 'payment') return false;
  const { network, authorization } = proof.proof;
  const account = accountId(network, authorization.from);
  return spentProofs.isCrowded(account, now) && spentProofs.has(account, authorization.nonce);
};

/** Remembers what an account has said of a call. A denied one was not claimed, and may be sent again as often as its sender likes. */
export const noteSpent = (
  { spentProofs }: Spent,
  { account, call }: Call,
  { verdict }: ReserveVerdict,
): void => {
  if (SPENT.has(verdict)) spentProofs.add(account, call);
};

const SPENT: ReadonlySet<ReserveVerdict['verdict']> = new Set([
  'go',
  'settle',
  'stored',
  'in_progress',
  'conflict',
  'already_used',
  'expired',
]);
