import type { Tool } from '../../catalog/tool.ts';
import type { Config } from '../../config/config.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { network, type Network } from '../../protocol/account-id.ts';
import type { Token } from '../../protocol/payment.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { Gateway } from '../gateway.ts';
import { isDryRun, observeOwn } from '../observe.ts';
import type { ReceivedRequest } from '../paid-request.ts';
import { verifyControl } from '../verify-control.ts';
import { checkSignature, type SignatureCheck } from '../verify-signature.ts';

/** The chain of a signed document, and the token of that chain. A tree of grants lives on one chain. */
export type Chain = { readonly network: Network; readonly token: Token };

/** Accepts only a chain that the gateway has a node and a payee for. A former payee suffices: grants of a closed network can still be revoked. */
const chainOf = (config: Config, chainId: number): Result<Chain, Reason> => {
  const on = network(chainId);
  const token = tokenOf(on);
  return token !== undefined && config.payees.has(on)
    ? ok({ network: on, token })
    : err({
        reason: 'unsupported_network',
        field: 'body.chainId',
        hint: `must be the chain of one of: ${[...config.payees.keys()].join(', ')}`,
      });
};

/** A request with a signed document in its body: parsed, its signature not verified. */
export type DocumentRequest<D> = {
  readonly received: ReceivedRequest;
  readonly document: D;
  readonly chain: Chain;
};

/** Reads a signed document from a request. `parse` defines the form of the body. */
export const readDocument = async <D extends { readonly chainId: number }>(
  { config }: Gateway,
  request: Request,
  tool: Tool,
  parse: (body: Uint8Array | undefined) => Result<D, Reason>,
): Promise<Result<DocumentRequest<D>, Reason>> => {
  const dryRun = isDryRun(request.headers);
  if (!dryRun.ok) return dryRun;
  // A registration or revocation cannot be undone, so a dry run of it must not be carried out.
  if (dryRun.value) {
    return err({ reason: 'malformed_request', field: 'dry-run', hint: 'is for calls only' });
  }
  const received = await observeOwn(request, config, tool);
  if (!received.ok) return received;
  const document = parse(received.value.body);
  if (!document.ok) return document;
  const chain = chainOf(config, document.value.chainId);
  return chain.ok
    ? ok({ received: received.value, document: document.value, chain: chain.value })
    : chain;
};

const FIELD = 'body.signature';

/** Verifies that the issuer signed a document. Anyone may send a signed document. */
export const verifyDocument = async (
  gateway: Gateway,
  { network: on }: Chain,
  issuer: Address,
  digest: Hex,
  signature: Hex,
  client: string,
): Promise<Result<SignatureCheck, Reason>> => {
  const byKey = checkSignature(issuer, digest, signature, FIELD);
  if (!byKey.ok) return byKey;
  const signed = { network: on, payer: issuer, digest, signature, signatureField: FIELD };
  return verifyControl(gateway, { ...signed, signedByKey: byKey.value }, client);
};
