import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import { type Network, network } from '../protocol/account-id.ts';
import { type Address, type Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Token } from '../protocol/payment.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import { checkSignature } from './check-signature.ts';
import { isDryRun } from './dry-run.ts';
import type { Gateway } from './gateway.ts';
import { type Observed, observeOwn } from './observe.ts';
import { vouch, type Vouched } from './vouch.ts';

/** The chain of a document in a body: a tree lives on one (design §4.5). */
export type Place = { readonly network: Network; readonly token: Token };

/** Only a chain that we can ask, and whose money we take. */
const placeOf = (config: Config, chainId: number): Result<Place, Reason> => {
  const on = network(chainId);
  const token = tokenOf(on);
  return token !== undefined && config.payTo.has(on)
    ? ok({ network: on, token })
    : err({
        reason: 'unsupported_network',
        field: 'body.chainId',
        hint: `must be the chain of one of: ${config.networks.join(', ')}`,
      });
};

/** A document that somebody has signed, as it came: read and in its place, not believed. */
export type Opened<D> = {
  readonly observed: Observed;
  readonly document: D;
  readonly place: Place;
};

/** Takes the document out of a request: `read` says what its body must be. */
export const openDocument = async <D extends { readonly chainId: number }>(
  { config }: Gateway,
  request: Request,
  tool: Tool,
  read: (body: Uint8Array | undefined) => Result<D, Reason>,
): Promise<Result<Opened<D>, Reason>> => {
  const dryRun = isDryRun(request.headers);
  if (!dryRun.ok) return dryRun;
  // What is registered or revoked cannot be taken back: whoever only wants to try must not be taken at more than his word.
  if (dryRun.value) {
    return err({ reason: 'malformed_request', field: 'dry-run', hint: 'is for calls only' });
  }
  const seen = await observeOwn(request, config, tool);
  if (!seen.ok) return seen;
  const document = read(seen.value.body);
  if (!document.ok) return document;
  const place = placeOf(config, document.value.chainId);
  return place.ok
    ? ok({ observed: seen.value, document: document.value, place: place.value })
    : place;
};

const FIELD = 'body.signature';

/**
 * Whether the issuer signed: first its key, which costs nobody anything, then the chain, which says whether the key counts at all and
 * what the issuer has (§4.7, law 12). Who brings a document is nobody's business: it speaks for itself.
 */
export const vouchDocument = async (
  gateway: Gateway,
  place: Place,
  issuer: Address,
  digest: Hex,
  signature: Hex,
  client: string,
): Promise<Result<Vouched, Reason>> => {
  const byKey = checkSignature(issuer, digest, signature, FIELD);
  if (!byKey.ok) return byKey;
  return vouch(
    gateway,
    {
      ...place,
      payer: issuer,
      call: digest,
      digest,
      signature,
      signatureField: FIELD,
      signedByKey: byKey.value,
    },
    client,
  );
};
