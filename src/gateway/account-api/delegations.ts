import { delegationsTool } from '../../catalog/gateway-tools.ts';
import { type LimitWarning, limitWarnings } from '../../catalog/limit-warning.ts';
import { type Config, isReceiver } from '../../config/config.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { compileDelegation, GRANT_LIMITS } from '../../policy/grant.ts';
import type { Policy } from '../../policy/policy.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { Consent, SignedGrant } from '../../protocol/account/grant.ts';
import { fiatOf } from '../../protocol/fiat-asset.ts';
import { type AgentDelegation, delegationDigest } from '../../protocol/intent/agent-delegation.ts';
import { AGENT_INTENT_HEADER, intentFields } from '../../protocol/intent/agent-intent.ts';
import { readDelegation, type SignedDelegation } from '../../protocol/intent/signed-document.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { PRIVATE } from '../answer-headers.ts';
import type { Gateway } from '../gateway.ts';
import type { CheckedProof, ReceivedRequest } from '../paid-request.ts';
import { clientOf } from '../rate-limit.ts';
import { verifyControl } from '../verify-control.ts';
import type { SignatureCheck } from '../verify-signature.ts';
import { authenticateReceived } from './authenticate.ts';
import { sendGrantCommand, sendIssuerCommand } from './grant-commands.ts';
import { type Chain, readDocument, verifyDocument } from './signed-document.ts';

/**
 * `PUT /delegations`: registers a grant with its issuer, who must have signed it; the sender needs no proof. If the delegate signed the
 * request itself, it consents, and its account takes the grant. Otherwise the issuer's account keeps the grant as an offer.
 */
export const registerDelegation = async (gateway: Gateway, request: Request): Promise<Response> => {
  const read = await readDocument(gateway, request, delegationsTool, readDelegation);
  if (!read.ok) return problem(read.error);
  const { received, document, chain } = read.value;
  const { delegation } = document;
  const fault = termsFault(gateway.config, chain, delegation, nowSeconds());
  if (fault !== undefined) return problem(fault);

  const issuer = accountId(chain.network, delegation.issuer);
  const account = accountId(chain.network, delegation.delegate);
  const consenter = await consenterOf(gateway, received, request.headers, issuer, account);
  if (!consenter.ok) return consenter.error;
  const client = clientOf(request.headers);
  const verified = await verify(gateway, chain, document, consenter.value, client);
  if (!verified.ok) return problem(verified.error);
  const { grant } = verified.value;
  const ancestors = await register(gateway, chain, account, verified.value);
  if (!ancestors.ok) return problem(ancestors.error);
  const warnings = await warningsOf(gateway, compileDelegation(delegation, chain.network));
  return Response.json(
    {
      grant: grant.hash,
      account,
      issuer,
      status: verified.value.consent === undefined ? 'offered' : 'active',
      valid_until: Number(delegation.validUntil),
      chain: ancestors.value.map(({ hash }) => hash),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
    { status: 201, headers: PRIVATE },
  );
};

/** Warns of limits below the price of every paid tool. Each warning names the field of the grant that sets the limit. */
const warningsOf = async (gateway: Gateway, policy: Policy): Promise<readonly LimitWarning[]> => {
  const catalogue = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  return limitWarnings(catalogue, policy).map((warning) => {
    const [limit = ''] = warning.field.split('[');
    const fields: Readonly<Record<string, string>> = GRANT_LIMITS;
    return { ...warning, field: fields[limit] ?? warning.field };
  });
};

/** Rejects terms that no signature can make valid: another gateway's grant, which may be a copy; another asset; an expired grant. */
const termsFault = (
  config: Config,
  { token, network }: Chain,
  { audience, asset, validUntil, delegate }: AgentDelegation,
  now: Seconds,
): Reason | undefined => {
  const wrong = (field: keyof AgentDelegation, expected: string, got: string): Reason => ({
    reason: 'grant_refused',
    field: `body.delegation.${field}`,
    expected,
    got,
  });
  const { audiences } = config;
  if (!audiences.includes(audience)) return wrong('audience', audiences.join(' or '), audience);
  if (asset !== ZERO_ADDRESS && asset !== token.address && fiatOf(asset) === undefined) {
    return wrong('asset', token.address, asset);
  }
  // A parent of the gateway's own account could read the gateway's tools and alerts.
  if (isReceiver(config, accountId(network, delegate))) {
    return wrong('delegate', 'an account that receives no money', delegate);
  }
  return validUntil > BigInt(now)
    ? undefined
    : wrong('validUntil', `> ${now}`, validUntil.toString());
};

/** Returns the delegate if it signed this request. The issuer may sign it too, which changes nothing; any other signer gets a 403. */
const consenterOf = async (
  gateway: Gateway,
  received: ReceivedRequest,
  headers: Headers,
  issuer: AccountId,
  account: AccountId,
): Promise<Result<CheckedProof | undefined, Response>> => {
  if (!headers.has(AGENT_INTENT_HEADER)) return ok(undefined);
  const signer = await authenticateReceived(gateway, delegationsTool, received, headers);
  if (!signer.ok) return signer;
  const signedBy = accountId(signer.value.network, signer.value.payer);
  if (signedBy === account) return signer;
  return signedBy === issuer ? ok(undefined) : err(await problem({ reason: 'forbidden' }));
};

type VerifiedGrant = {
  readonly grant: SignedGrant;
  readonly consent: Consent | undefined;
};

/** Verifies the signatures of the issuer and of a consenting delegate before anything is written. */
const verify = async (
  gateway: Gateway,
  chain: Chain,
  { chainId, delegation, signature }: SignedDelegation,
  consenter: CheckedProof | undefined,
  client: string,
): Promise<Result<VerifiedGrant, Reason>> => {
  const hash = delegationDigest(delegation, chainId);
  const issuer = await verifyDocument(gateway, chain, delegation.issuer, hash, signature, client);
  if (!issuer.ok) return issuer;
  const consented = consenter && (await verifyControl(gateway, consenter, client));
  if (consented?.ok === false) return consented;
  return ok({
    grant: { hash, chainId, delegation, signature, ...issuer.value },
    consent: consenter && consented && consentOf(consenter, consented.value),
  });
};

/** The intent binds the body, so a consent to one grant cannot be used for another. */
const consentOf = (consenter: CheckedProof, checkedAt: SignatureCheck): Consent => ({
  id: consenter.call,
  proof: 'intent',
  audience: consenter.audience,
  ...(consenter.intent === undefined
    ? {}
    : { intent: { fields: intentFields(consenter.intent), signature: consenter.signature } }),
  ...checkedAt,
});

/**
 * Registers with the issuer first, because a delegate takes only a grant that its issuer allows. If the second step fails, the first has no
 * effect by itself, and a repeat of the request completes it.
 *
 * @returns the parent grants.
 */
const register = async (
  gateway: Gateway,
  chain: Chain,
  account: AccountId,
  { grant, consent }: VerifiedGrant,
): Promise<Result<readonly SignedGrant[], Reason>> => {
  const command = { kind: 'issue', grant, consent: consent !== undefined } as const;
  const issued = await sendIssuerCommand(gateway, chain, grant.delegation.issuer, command);
  if (!issued.ok) return issued;
  const { chain: links = [] } = issued.value;
  let { changed } = issued.value;
  if (consent === undefined) {
    await keepOffered(gateway, accountId(chain.network, grant.delegation.issuer), grant);
  } else {
    const take = { kind: 'take', grant, chain: links, consent } as const;
    const taken = await sendGrantCommand(gateway, account, take);
    if (!taken.ok) return taken;
    changed ||= taken.value.changed;
  }
  return changed
    ? ok(links)
    : err({ reason: 'already_registered', field: 'body.delegation.id', grant: grant.hash });
};

/** Records which account keeps an offer. If the row cannot be written, the audit entry of the registration repairs it later. */
const keepOffered = async (
  { offeredGrants }: Gateway,
  issuer: AccountId,
  { hash, delegation }: SignedGrant,
): Promise<void> => {
  try {
    await offeredGrants.keep({ hash, issuer, validUntil: Number(delegation.validUntil) });
  } catch (cause) {
    console.error({ event: 'offered_grant_unkept', grant: hash, cause: String(cause) });
  }
};
