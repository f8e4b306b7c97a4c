import { type ProblemBody, problemIn } from '../../client/errors.ts';
import { exchange } from '../../client/exchange.ts';
import { readJsonBody } from '../../client/json.ts';
import { readOutgoing } from '../../client/outgoing.ts';
import { signIntent, windowAt } from '../../client/proof.ts';
import type { Signer } from '../../client/signer.ts';
import { sleep } from '../../client/transport.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { AdminClient } from './admin-client.ts';
import { CliError, problemError } from './errors.ts';

/** A delegation or revocation: its own signature authorises it. */
export type SignedDocument = {
  readonly method: 'PUT' | 'POST';
  readonly path: '/delegations' | '/revocations';
  readonly body: unknown;
};

/** The holder's key, which signs the request itself and thereby consents to the grant. */
export type Consent = { readonly signer: Signer; readonly network: Network };

const TIMEOUT_MS = 30_000;
const MAX_ANSWER = 1024 * 1024;

/** Sends a signed document, with the holder's consent if one is given. @throws CliError */
export const sendDocument = async (
  admin: AdminClient,
  { method, path, body }: SignedDocument,
  consent?: Consent,
): Promise<Readonly<Record<string, unknown>>> => {
  const { gateway, session } = admin;
  const outgoing = await readOutgoing(gateway + path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'manual',
    signal: session.signal,
  });
  const answer = await session.progress.during('calling the gateway', async () => {
    if (consent === undefined) {
      // No intent protects this request from a replay: repeating a registration or a revocation changes nothing.
      const response = await fetch(outgoing.url, {
        method,
        headers: outgoing.headers,
        redirect: 'manual',
        signal: AbortSignal.any([session.signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
      });
      return { response, problem: response.ok ? undefined : await problemIn(response, TIMEOUT_MS) };
    }
    const sender = {
      fetch: globalThis.fetch.bind(globalThis),
      hooks: {},
      now: session.now,
      sleep,
      timeoutMs: TIMEOUT_MS,
      retries: 4,
    };
    const proof = await signIntent(consent.signer, outgoing, consent.network, {
      audience: gateway,
      tool: 'countersign.delegations',
      payTo: ZERO_ADDRESS,
      asset: ZERO_ADDRESS,
      maxAmount: 0n,
      ...windowAt(session.now()),
    });
    return await exchange(sender, outgoing, proof);
  });
  const { response, problem } = answer;
  if (!response.ok) throw refusal(response.status, problem, admin);
  const read = await readJsonBody(response, MAX_ANSWER, TIMEOUT_MS);
  return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
};

/** The gateway takes documents of strangers only if they show that they have money (law 12). */
const refusal = (
  status: number,
  problem: ProblemBody | undefined,
  { self }: AdminClient,
): CliError => {
  const error = problemError(status, problem);
  if (error.code !== 'penniless') return error;
  return new CliError('The gateway takes grants and revocations only from wallets with money.', {
    hint: `Send some USDC, any amount, to ${checksummed(self)}: the key of that address signs here.`,
    ...{ code: error.code, exit: error.exit, details: error.details, cause: error },
  });
};
