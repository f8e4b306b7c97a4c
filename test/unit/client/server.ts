import { privateKeyToAccount } from 'viem/accounts';
import { expect } from 'vitest';
import {
  CountersignError,
  createAgent,
  type Agent,
  type AgentOptions,
} from '../../../src/client/index.ts';
import type { Signer } from '../../../src/client/signer.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { encodeBase64, sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { openSigner, type Signer as ReceiptSigner } from '../../../src/crypto/signer.ts';
import { RECEIPT_TYPE, type ReceiptClaims } from '../../../src/protocol/receipt.ts';
import { checksummed } from '../../../src/crypto/address.ts';
import { problemOf } from '../../../src/protocol/problem/reason.ts';
import { intentDigest, parseAgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { requestDigest } from '../../../src/protocol/intent/binding.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import {
  AGENT,
  AGENT_KEY,
  BASE_SEPOLIA,
  NOW,
  PAY_TO,
  requirement,
} from '../protocol/x402/fixture.ts';
import { all } from '../protocol/problem/examples.ts';

export { AGENT, BASE_SEPOLIA, NOW, PAY_TO };
export const GATEWAY = 'https://gw.example';
export const URL_OF_TOOL = `${GATEWAY}/tools/translate?formality=high`;
export const USDC = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const account = privateKeyToAccount(AGENT_KEY);
export const HASH: Hex = `0x${'5a'.repeat(32)}`;

/** A request as the scripted server received it. */
export type Arrived = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly redirect: string | undefined;
};

export type Step = (arrived: Arrived) => Response | Promise<Response>;

/** A server that answers by a script, with one step per request, and fails when the script is over. It also serves its keys. */
export const scripted = (...steps: readonly Step[]) => {
  const arrived: Arrived[] = [];
  const keysAsked: string[] = [];
  let at = 0;
  const fetcher = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = String(input);
    if (url.endsWith('/.well-known/jwks.json')) {
      keysAsked.push(url);
      return Response.json((await receiptSigner()).jwks);
    }
    const body = init.body === undefined || init.body === null ? '' : init.body;
    const request: Arrived = {
      url,
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      body: typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array),
      redirect: init.redirect,
    };
    arrived.push(request);
    const step = steps[at];
    at += 1;
    if (step === undefined) throw new Error(`request ${at} is not in the script`);
    return await step(request);
  };
  return { fetch: fetcher as typeof globalThis.fetch, arrived, keysAsked };
};

export const agentOf = (
  server: { readonly fetch: typeof globalThis.fetch },
  more: Partial<AgentOptions> = {},
): Agent =>
  createAgent({
    account,
    spend: { perCall: '$0.05', total: '$1' },
    now: () => NOW,
    ...more,
    fetch: server.fetch,
  });

/** An entry of a version 2 offer, as JSON. */
export const entry = (more: Readonly<Record<string, unknown>> = {}) => {
  const { amount, asset, payTo, ...same } = requirement(BASE_SEPOLIA, 20_000n, 3600);
  return {
    ...same,
    amount: amount.toString(),
    asset: checksummed(asset),
    payTo: checksummed(payTo),
    ...more,
  };
};

export const binding = (more: Readonly<Record<string, unknown>> = {}) => ({
  'agent-intent': {
    info: {
      version: 1,
      audience: GATEWAY,
      tool: 'translate',
      binding: 'eip3009-nonce',
      ...more,
    },
  },
});

export const base64Json = (value: unknown): string => encodeBase64(utf8(JSON.stringify(value)));

/** A version 2 offer whose body is a version 1 offer, as the gateway sends both. */
export const offer = (
  accepts: readonly unknown[] = [entry()],
  extensions: unknown = binding(),
): Response =>
  Response.json(
    { x402Version: 1, error: 'Payment required', accepts: [entry1()] },
    {
      status: 402,
      headers: {
        'PAYMENT-REQUIRED': base64Json({
          x402Version: 2,
          error: 'Payment required',
          resource: { url: URL_OF_TOOL, description: 'Translates', mimeType: 'application/json' },
          accepts,
          extensions,
        }),
      },
    },
  );

export const entry1 = (more: Readonly<Record<string, unknown>> = {}) => {
  const { amount, network: _, ...same } = entry();
  return {
    ...same,
    network: 'base-sepolia',
    maxAmountRequired: amount,
    resource: URL_OF_TOOL,
    description: 'Translates',
    mimeType: 'application/json',
    ...more,
  };
};

export const offer1 = (accepts: readonly unknown[] = [entry1()]): Response =>
  Response.json(
    { x402Version: 1, error: 'X-PAYMENT header is required', accepts },
    { status: 402 },
  );

let opened: Promise<ReceiptSigner> | undefined;

const receiptSigner = async (): Promise<ReceiptSigner> => {
  opened ??= (async () => {
    const pair = (await crypto.subtle.generateKey('Ed25519', true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    const { kty, crv, x, d } = (await crypto.subtle.exportKey(
      'jwk',
      pair.privateKey,
    )) as JsonWebKey;
    const signer = await openSigner(JSON.stringify({ kty, crv, x, d }));
    if (!signer.ok) throw new Error(signer.error.detail);
    return signer.value;
  })();
  return await opened;
};

/** The gateway's receipt claims about a request and its text answer. */
export const claimsFor = async (
  arrived: Arrived,
  call: Hex,
  text: string,
  more: Readonly<Record<string, unknown>> = {},
) => {
  const url = new URL(arrived.url);
  return {
    iss: GATEWAY,
    agent: `eip155:84532:${AGENT}`,
    tool: 'translate',
    call,
    request: await requestDigest({
      audience: GATEWAY,
      tool: 'translate',
      method: arrived.method,
      target: url.pathname + url.search,
      contentType: arrived.headers.get('content-type') ?? '',
      payloadDigest: sha256Hex(utf8(arrived.body)),
    }),
    charged: '20000',
    asset: USDC,
    status: 200,
    response: sha256Hex(utf8(text)),
    entry: HASH,
    policy: HASH,
    binding: 'intent',
    iat: NOW,
    ...more,
  } satisfies Record<Exclude<keyof ReceiptClaims, 'refunded' | 'end' | 'usage' | 'basis'>, unknown>;
};

export const receiptOf = async (
  claims: Readonly<Record<string, unknown>>,
  typ: string = RECEIPT_TYPE,
): Promise<string> => (await receiptSigner()).sign(claims, typ);

/** A tool's text answer with the gateway's receipt. */
export const served = async (
  arrived: Arrived,
  call: Hex,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  new Response('bonjour', {
    headers: {
      ...headers,
      'Agent-Receipt': await receiptOf(await claimsFor(arrived, call, 'bonjour', more)),
    },
  });

/** The gateway's record of a served call, as a look-up returns it. */
export const lookedUp = async (
  first: Arrived | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Response> => {
  if (first === undefined) throw new Error('no payment');
  const claims = await claimsFor(first, callOf(first), 'bonjour');
  const record = {
    ...{ call: callOf(first), tool: 'translate', request: claims.request, binding: 'intent' },
    ...{ state: 'committed', asset: USDC, price: '20000', charged: '20000' },
    ...{ paid_from: 'payment', payment: 'settled', accepted_at: NOW, entry: HASH, policy: HASH },
    answer: { status: 200, headers: {}, body: encodeBase64(utf8('bonjour')) },
    ...more,
  };
  return Response.json(record, { headers: { 'Agent-Receipt': await receiptOf(claims) } });
};

/** The problems that are marked as final, with their status. */
const FINAL = new Set(
  all.flatMap(([status, reason]) =>
    problemOf(reason).members.final === true
      ? [`${status} ${reason.reason.replaceAll('_', '-')}`]
      : [],
  ),
);

export const problem = (
  status: number,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(
    JSON.stringify({
      type: `urn:countersign:problem:${name}`,
      title: name,
      status,
      detail: `It is ${name}.`,
      ...(FINAL.has(`${status} ${name}`) ? { final: true } : {}),
      ...more,
    }),
    { status, headers: { ...headers, 'Content-Type': 'application/problem+json' } },
  );

export const challenged = (parameters = ''): Response =>
  problem(
    401,
    'intent-required',
    {},
    {
      'WWW-Authenticate':
        `AgentIntent error="intent_required", audience="${GATEWAY}", ` +
        `chains="eip155:84532 eip155:8453", max_validity="300", tool="search"${parameters}`,
    },
  );

export const creditLeft = (amount: bigint): Record<string, string> => ({
  'RateLimit-Policy': `"rate";q=60;w=60, "credit";q=${amount};qu="atomic-units"`,
  RateLimit: `"rate";r=59;t=60, "credit";r=${amount}`,
});

/** Fails as `fetch` does after a network failure. */
export const dropped: Step = () => {
  throw new TypeError('connection closed');
};

export type { Hex };

/** The intent in a request's own header. */
export const intentOf = (arrived: Arrived | undefined) => {
  const parsed = parseAgentIntent(arrived?.headers.get('Agent-Intent') ?? '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

/** The call id of a signed request, in either form. */
export const callOf = (arrived: Arrived | undefined): Hex => {
  const paid = parsePaymentSignature(arrived?.headers.get('PAYMENT-SIGNATURE') ?? '');
  if (paid.ok) return paid.value.authorization.nonce;
  const { intent, chainId } = intentOf(arrived);
  return intentDigest(intent, chainId);
};

/** Serves the call that a request pays for. */
export const serve: Step = async (arrived) => await served(arrived, callOf(arrived));

/** The reason of a rejected promise. Undefined if it resolves. */
export const rejectionOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );

/** Expects that a call fails with a `CountersignError` that has a hint, and returns it. */
export const clientErrorOf = async (promise: Promise<unknown>): Promise<CountersignError> => {
  const error = await rejectionOf(promise);
  if (!(error instanceof CountersignError))
    throw new Error(`no CountersignError: ${String(error)}`);
  expect(error.hint.length).toBeGreaterThan(10);
  return error;
};

/** An account that counts its signatures. */
export const countingSigner = () => {
  let signed = 0;
  const signer: Signer = {
    address: account.address,
    signTypedData: async (data) => {
      signed += 1;
      return await account.signTypedData(data as never);
    },
  };
  return { signer, count: () => signed };
};
