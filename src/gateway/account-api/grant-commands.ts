import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { Call } from '../../protocol/account/call.ts';
import type { CommandVerdict } from '../../protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../protocol/account/command.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import type { Gateway } from '../gateway.ts';
import type { CheckedProof } from '../paid-request.ts';
import { passesRateLimit, TOO_MANY } from '../rate-limit.ts';
import { readHolderFacts } from '../verify-control.ts';
import type { Chain } from './signed-document.ts';

/** Sends a command about grants to an account. Any error on the way is a refusal; the caller may send the command again (law 2). */
export const sendGrantCommand = async (
  gateway: Gateway,
  account: AccountId,
  command: AccountCommand,
): Promise<Result<Extract<CommandVerdict, { readonly verdict: 'applied' }>, Reason>> => {
  try {
    const applied = await gateway.account(account).apply(command);
    switch (applied.verdict) {
      case 'applied':
        return ok(applied);
      case 'refused':
        if (applied.fault.reason === 'too_many_commands') return err(applied.fault);
        // The gateway sends only commands about grants, so a fault without a field is a bug.
        return 'field' in applied.fault
          ? err({ ...applied.fault, field: `body.${applied.fault.field}` })
          : err({ reason: 'internal' });
      case 'unavailable':
    }
  } catch (cause) {
    console.error({
      event: 'tree_command_failed',
      kind: command.kind,
      account,
      cause: String(cause),
    });
  }
  return err({ reason: 'storage_unavailable' });
};

/**
 * Sends a signed document to its issuer's account. The gateway asks the chain whether the account holds money only if it does not know the
 * account (law 12). The owner of a known fleet needs no chain (law 13).
 */
export const sendIssuerCommand = async (
  gateway: Gateway,
  { network, token }: Chain,
  issuer: Address,
  command: Extract<AccountCommand, { readonly kind: 'issue' | 'revoke' }>,
): ReturnType<typeof sendGrantCommand> => {
  const account = accountId(network, issuer);
  const sent = await sendGrantCommand(gateway, account, command);
  if (sent.ok || sent.error.reason !== 'penniless') return sent;
  const facts = await readHolderFacts(gateway, network, issuer, token);
  return facts.ok ? sendGrantCommand(gateway, account, { ...command, facts: facts.value }) : facts;
};

/**
 * Has an account take the offered grant that its own intent names in `authority`: naming a grant is the holder's consent. If there is no
 * such offer, or the issuer or the account refuses, nothing changes, and the account denies the call.
 */
export const takeNamedGrant = async (
  gateway: Gateway,
  checked: CheckedProof,
  call: Call,
  client: string,
): Promise<Result<undefined, Reason>> => {
  const { authority } = call;
  if (authority === undefined) return ok(undefined);
  // A stranger can sign any number of intents that name any number of hashes (law 12).
  const payer = checked.signedByKey ? call.account : undefined;
  if ((await passesRateLimit(gateway, client, 'facts', payer)) !== 'yes') return err(TOO_MANY);
  const issuer = await issuerOf(gateway, authority);
  if (!issuer.ok || issuer.value === undefined) return issuer.ok ? ok(undefined) : issuer;
  const accept = { kind: 'accept', hash: authority, delegate: call.account } as const;
  const accepted = await sendGrantCommand(gateway, issuer.value, accept);
  if (!accepted.ok) return isOutage(accepted.error) ? accepted : ok(undefined);
  const { grant, chain = [] } = accepted.value;
  if (grant === undefined) return ok(undefined);
  const take = { kind: 'take', grant, chain, consent: consentOf(call) } as const;
  const taken = await sendGrantCommand(gateway, call.account, take);
  return taken.ok || !isOutage(taken.error) ? ok(undefined) : taken;
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

const consentOf = ({ id, proof, audience, payment, intent, contractCheckedAt }: Call) => ({
  ...{ id, proof },
  ...(audience === undefined ? {} : { audience }),
  ...(payment === undefined ? {} : { payment }),
  ...(intent === undefined ? {} : { intent }),
  ...(contractCheckedAt === undefined ? {} : { contractCheckedAt }),
});
