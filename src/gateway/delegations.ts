import type { PayerFacts } from '../protocol/account/call.ts';
import type { Consent, SignedGrant } from '../protocol/account/grant.ts';
import { type LimitWarning, limitWarnings } from '../catalog/limit-warning.ts';
import { delegationsTool } from '../catalog/own-tool.ts';
import type { Config } from '../config.ts';
import { type AccountId, accountId } from '../protocol/account-id.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type AgentDelegation, delegationDigest } from '../protocol/intent/agent-delegation.ts';
import { intentFields } from '../protocol/intent/agent-intent.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/signed-intent.ts';
import { readDelegation, type SignedDelegation } from '../protocol/intent/signed-document.ts';
import { compileDelegation } from '../policy/compile.ts';
import type { Policy } from '../policy/policy.ts';
import { PRIVATE } from './answer.ts';
import { askerOf } from './asker.ts';
import type { Checked } from './checked.ts';
import { clientOf } from './client.ts';
import { openDocument, type Place, vouchDocument } from './document.ts';
import type { Gateway } from './gateway.ts';
import { govern } from './govern.ts';
import type { Observed } from './observe.ts';
import { vouch, type Vouched } from './vouch.ts';

/**
 * `PUT /delegations`: registers a grant with its issuer, who must have signed it; whoever sends it need prove nothing. Where the delegate
 * has signed this very request, it consents, and its account takes the grant. Without that the grant is kept as an offer.
 */
export const delegate = async (gateway: Gateway, request: Request): Promise<Response> => {
  const opened = await openDocument(gateway, request, delegationsTool, readDelegation);
  if (!opened.ok) return problem(opened.error);
  const { observed, document, place } = opened.value;
  const { delegation } = document;
  const fault = misplaced(gateway.config, place, delegation, nowSeconds());
  if (fault !== undefined) return problem(fault);

  const issuer = accountId(place.network, delegation.issuer);
  const account = accountId(place.network, delegation.delegate);
  const consenter = await consenterOf(gateway, observed, request.headers, issuer, account);
  if (!consenter.ok) return consenter.error;
  const client = clientOf(request.headers);
  const proved = await prove(gateway, place, document, consenter.value, client);
  if (!proved.ok) return problem(proved.error);
  const { grant } = proved.value;
  const chain = await register(gateway, issuer, account, proved.value);
  if (!chain.ok) return problem(chain.error);
  const warnings = await warningsOf(gateway, compileDelegation(delegation, place.network));
  return Response.json(
    {
      grant: grant.hash,
      account,
      issuer,
      status: proved.value.consent === undefined ? 'offered' : 'active',
      valid_until: Number(delegation.validUntil),
      chain: chain.value.map(({ hash }) => hash),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
    { status: 201, headers: PRIVATE },
  );
};

/** Which field of a grant a limit of its policy comes from. */
const FIELD_OF: Readonly<Record<string, keyof AgentDelegation>> = {
  perCall: 'maxPerCall',
  'windows[0].limit': 'maxPerWindow',
  lifetime: 'maxTotal',
};

const warningsOf = async (gateway: Gateway, policy: Policy): Promise<readonly LimitWarning[]> => {
  const catalogue = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  return limitWarnings(catalogue, policy).map((warning) => ({
    ...warning,
    field: FIELD_OF[warning.field] ?? warning.field,
  }));
};

/** What no signature can make right: a grant for another gateway, which may have been taken from there; for other money; or over. */
const misplaced = (
  { audiences, payTo }: Config,
  { token, network }: Place,
  { audience, asset, validUntil, delegate: to }: AgentDelegation,
  now: Seconds,
): Reason | undefined => {
  const wrong = (field: keyof AgentDelegation, expected: string, got: string): Reason => ({
    reason: 'grant_refused',
    field: `body.delegation.${field}`,
    expected,
    got,
  });
  if (!audiences.includes(audience)) return wrong('audience', audiences.join(' or '), audience);
  if (asset !== ZERO_ADDRESS && asset !== token.address) {
    return wrong('asset', token.address, asset);
  }
  // Whoever stands above the gateway's own account would read its tools, and hear what is wrong with it.
  if (to === payTo.get(network)) return wrong('delegate', 'an account that receives no money', to);
  return validUntil > BigInt(now)
    ? undefined
    : wrong('validUntil', `> ${now}`, validUntil.toString());
};

/** The delegate, where it has signed this request. The issuer may sign it too, which adds nothing; anybody else is told so. */
const consenterOf = async (
  gateway: Gateway,
  observed: Observed,
  headers: Headers,
  issuer: AccountId,
  account: AccountId,
): Promise<Result<Checked | undefined, Response>> => {
  if (!headers.has(AGENT_INTENT_HEADER)) return ok(undefined);
  const asker = await askerOf(gateway, delegationsTool, observed, headers);
  if (!asker.ok) return asker;
  const who = accountId(asker.value.network, asker.value.payer);
  if (who === account) return asker;
  return who === issuer ? ok(undefined) : err(await problem({ reason: 'forbidden' }));
};

type Proved = {
  readonly grant: SignedGrant;
  readonly facts: PayerFacts;
  readonly consent: Consent | undefined;
};

/** Nothing is written before the issuer's signature is known to count, and that of a delegate that consents. */
const prove = async (
  gateway: Gateway,
  place: Place,
  { chainId, delegation, signature }: SignedDelegation,
  consenter: Checked | undefined,
  client: string,
): Promise<Result<Proved, Reason>> => {
  const hash = delegationDigest(delegation, chainId);
  const issuer = await vouchDocument(gateway, place, delegation.issuer, hash, signature, client);
  if (!issuer.ok) return issuer;
  // Its key too is asked about: one that its account has given up to a contract must not consent for it (§4.7).
  const consented = consenter && (await vouch(gateway, consenter, client));
  if (consented?.ok === false) return consented;
  const { facts, checkedAt } = issuer.value;
  return ok({
    grant: { hash, chainId, delegation, signature, ...checkedAt },
    facts,
    consent: consenter && consented && consentOf(consenter, consented.value),
  });
};

/** The intent binds the body that it registers, so a consent to one grant is none to another. */
const consentOf = (consenter: Checked, { checkedAt }: Vouched): Consent => ({
  call: consenter.call,
  proof: 'intent',
  audience: consenter.audience,
  ...(consenter.intent === undefined
    ? {}
    : { intent: { fields: intentFields(consenter.intent), signature: consenter.signature } }),
  ...checkedAt,
});

/**
 * The issuer first: a delegate takes only what its issuer lets it have. If the second step fails the first one stands, and does nothing
 * by itself; the same request again goes on from there.
 */
const register = async (
  gateway: Gateway,
  issuer: AccountId,
  account: AccountId,
  { grant, facts, consent }: Proved,
): Promise<Result<readonly SignedGrant[], Reason>> => {
  const order = { kind: 'issue', grant, facts, consent: consent !== undefined } as const;
  const issued = await govern(gateway, issuer, order);
  if (!issued.ok) return issued;
  const { chain = [] } = issued.value;
  let { changed } = issued.value;
  if (consent === undefined) {
    await keepOffered(gateway, issuer, grant);
  } else {
    const taken = await govern(gateway, account, { kind: 'take', grant, chain, consent });
    if (!taken.ok) return taken;
    changed ||= taken.value.changed;
  }
  return changed
    ? ok(chain)
    : err({ reason: 'already_registered', field: 'body.delegation.id', grant: grant.hash });
};

/** The delegate's account learns nothing of an offer. The entry of the registration repairs a row that could not be written. */
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
