import type { Call } from '../protocol/account/call.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Checked } from './checked.ts';
import type { Gateway } from './gateway.ts';
import { govern } from './govern.ts';
import { mayPass, TOO_MANY } from './shield.ts';
import { vouch, type Vouched } from './vouch.ts';

/**
 * Has an account take the grant that its own intent names in `authority`, where that grant was offered to it: naming it is consent. Where
 * nothing was offered, or the issuer or the account refuses, nothing changes, and the account denies the call.
 *
 * @returns what the chain said of the holder, where it was asked.
 */
export const takeNamedGrant = async (
  gateway: Gateway,
  checked: Checked,
  call: Call,
  client: string,
): Promise<Result<Vouched | undefined, Reason>> => {
  const { authority } = call;
  if (authority === undefined) return ok(undefined);
  // Law 12: a stranger signs any number of intents that name any number of hashes.
  const payer = checked.signedByKey ? call.account : undefined;
  if ((await mayPass(gateway, client, 'facts', payer)) !== 'yes') return err(TOO_MANY);
  const issuer = await issuerOf(gateway, authority);
  if (!issuer.ok || issuer.value === undefined) return issuer.ok ? ok(undefined) : issuer;
  // A key that its account has given up to a contract must not consent for it.
  const vouched = await vouch(gateway, checked, client);
  if (!vouched.ok) return vouched;
  const accept = { kind: 'accept', hash: authority, delegate: call.account } as const;
  const accepted = await govern(gateway, issuer.value, accept);
  if (!accepted.ok) return isOutage(accepted.error) ? accepted : vouched;
  const { grant, chain = [] } = accepted.value;
  if (grant === undefined) return vouched;
  const taken = await govern(gateway, call.account, {
    kind: 'take',
    grant,
    chain,
    consent: consentOf({ ...call, ...vouched.value.checkedAt }),
  });
  return taken.ok || !isOutage(taken.error) ? vouched : taken;
};

const issuerOf = async (
  { offeredGrants }: Gateway,
  grant: Hex,
): Promise<Result<AccountId | undefined, Reason>> => {
  try {
    return ok(await offeredGrants.issuerOf(grant));
  } catch (cause) {
    console.error({ event: 'offered_grant_unread', grant, cause: String(cause) });
    return err({ reason: 'storage_unavailable' });
  }
};

const isOutage = ({ reason }: Reason): boolean => reason === 'storage_unavailable';

const consentOf = ({ call, proof, audience, payment, intent, contractCheckedAt }: Call) => ({
  ...{ call, proof },
  ...(audience === undefined ? {} : { audience }),
  ...(payment === undefined ? {} : { payment }),
  ...(intent === undefined ? {} : { intent }),
  ...(contractCheckedAt === undefined ? {} : { contractCheckedAt }),
});
