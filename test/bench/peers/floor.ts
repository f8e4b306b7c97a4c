import { openSigner, type Signer } from '../../../src/crypto/signer.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { type AgentIntent, intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { requestEncoding } from '../../../src/protocol/intent/binding.ts';
import { transferWithAuthorizationDigest } from '../../../src/protocol/x402/authorization.ts';
import {
  type Floor,
  type FloorCall,
  type FloorOutcome,
  sha256,
  type WireAuthorization,
  type WireIntent,
} from './floor-account.ts';

export { Floor } from './floor-account.ts';

/**
 * The floor: a Worker and an object that do for a bound call only what the laws demand, without checks of form, policies or errors. What a
 * call costs more at the gateway is the gateway's own. It is no product: it trusts the form of every byte.
 *
 * Its functions are steps of `dev/bench/steps.ts`, by name.
 */
type Bindings = {
  readonly UPSTREAM_URL: string;
  readonly AUDIENCE: string;
  readonly PAY_TO: string;
  readonly RECEIPT_KEY: string;
  readonly FLOOR: DurableObjectNamespace<Floor>;
};

type Payment = {
  readonly payload: { readonly signature: Hex; readonly authorization: WireAuthorization };
  readonly extensions: {
    readonly 'agent-intent': { readonly info: { readonly intent: WireIntent } };
  };
};

type Answered = FloorOutcome & { readonly bytes: Uint8Array; readonly type: string };

const TOKEN = {
  network: 'eip155:84532',
  address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
} as const;
const CHAIN_ID = 84_532;
const TOOL = 'lookup';
const NO_BODY = sha256('');
const TIMEOUT_MS = 10_000;
const ASSERTION_SECONDS = 60;

const decoder = new TextDecoder();

const offer = ({ AUDIENCE, PAY_TO }: Bindings, request: Request): Response => {
  const { pathname, search } = new URL(request.url);
  const accepted = {
    scheme: 'exact',
    network: TOKEN.network,
    amount: '1000',
    asset: TOKEN.address,
    payTo: PAY_TO,
    maxTimeoutSeconds: 3_600,
    extra: { name: TOKEN.name, version: TOKEN.version },
  };
  const terms = {
    x402Version: 2,
    resource: { url: `${AUDIENCE}${pathname}${search}`, description: 'Looks up an English word.' },
    accepts: [accepted],
    extensions: { 'agent-intent': { info: {} } },
  };
  const headers = { 'PAYMENT-REQUIRED': btoa(JSON.stringify(terms)) };
  return new Response(null, { status: 402, headers });
};

const readHeader = (header: string): Payment => JSON.parse(atob(header)) as Payment;

const intentOf = (wire: WireIntent): AgentIntent =>
  ({
    ...wire,
    maxAmount: BigInt(wire.maxAmount),
    validAfter: BigInt(wire.validAfter),
    validBefore: BigInt(wire.validBefore),
  }) as AgentIntent;

/** Checks that the payer signed the authorization, whose nonce is the digest of the intent. */
const checkProof = ({ payload, extensions }: Payment): boolean => {
  const { authorization, signature } = payload;
  const { intent } = extensions['agent-intent'].info;
  if (intentDigest(intentOf(intent), CHAIN_ID) !== authorization.nonce) return false;
  const digest = transferWithAuthorizationDigest(TOKEN, {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  });
  return verifyStrict(authorization.from as Address, digest, signature).ok;
};

/** Digest of the received request, which entries and receipt name. */
const observe = (request: Request, { pathname, search }: URL, { AUDIENCE }: Bindings): Hex =>
  sha256(
    requestEncoding({
      audience: AUDIENCE,
      tool: TOOL,
      method: request.method,
      target: pathname + search,
      contentType: '',
      payloadDigest: NO_BODY,
    }),
  );

const accountOf = ({ FLOOR }: Bindings, { from }: WireAuthorization) =>
  FLOOR.getByName(`${TOKEN.network}:${from}`);

const reserveCall = async (
  env: Bindings,
  { payload, extensions }: Payment,
  request: Hex,
): Promise<void> => {
  const { authorization, signature } = payload;
  const asked: FloorCall = {
    authorization,
    call: authorization.nonce,
    intent: extensions['agent-intent'].info.intent,
    request,
    signature,
    tool: TOOL,
  };
  await accountOf(env, authorization).reserve(JSON.stringify(asked));
};

const finishCall = async (
  env: Bindings,
  authorization: WireAuthorization,
  { body, digest, status }: FloorOutcome,
): Promise<Hex> =>
  accountOf(env, authorization).finish(authorization.nonce, { body, digest, status });

/** Runs the tool with a signed assertion of its caller. */
const dispatch = async (
  { UPSTREAM_URL }: Bindings,
  { search }: URL,
  assertion: string,
): Promise<Answered> => {
  const answer = await fetch(`${UPSTREAM_URL}/${TOOL}${search}`, {
    headers: { 'X-Agent-Assertion': assertion, 'Accept-Encoding': 'identity' },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const type = answer.headers.get('Content-Type') ?? '';
  return {
    ...{ body: decoder.decode(bytes), digest: sha256(bytes), status: answer.status },
    ...{ bytes, type },
  };
};

const signerOf = async ({ RECEIPT_KEY }: Bindings): Promise<Signer> => {
  const signer = await openSigner(RECEIPT_KEY);
  if (!signer.ok) throw new Error('The receipt key is invalid.');
  return signer.value;
};

const answer = (
  { from, value }: WireAuthorization,
  { bytes, status, type }: Answered,
  receipt: string,
): Response => {
  const paid = { success: true, payer: from, network: TOKEN.network, amount: value };
  const headers = {
    'Content-Type': type,
    'Cache-Control': 'private, no-store',
    'Agent-Receipt': receipt,
    'PAYMENT-RESPONSE': btoa(JSON.stringify(paid)),
  };
  return new Response(bytes, { status, headers });
};

const call = async (request: Request, env: Bindings, header: string): Promise<Response> => {
  const payment = readHeader(header);
  const url = new URL(request.url);
  const observed = observe(request, url, env);
  if (!checkProof(payment)) return new Response('unsigned', { status: 401 });
  const { authorization } = payment.payload;
  const { from, nonce, value } = authorization;
  await reserveCall(env, payment, observed);
  const signer = await signerOf(env);
  const iat = Math.floor(Date.now() / 1_000);
  const names = { iss: env.AUDIENCE, sub: from, iat, call: nonce, tool: TOOL, request: observed };
  const exp = iat + ASSERTION_SECONDS;
  const assertion = signer.sign({ ...names, max: value, exp }, 'assertion+jwt');
  const answered = await dispatch(env, url, assertion);
  const entry = await finishCall(env, authorization, answered);
  const { digest: response, status } = answered;
  const charge = { charged: value, status, response, entry };
  const receipt = signer.sign({ ...names, ...charge }, 'receipt+jwt');
  return answer(authorization, answered, receipt);
};

export default {
  async fetch(request, env, context) {
    const header = request.headers.get('PAYMENT-SIGNATURE');
    if (header === null) return offer(env, request);
    // A client that leaves does not end its call.
    const answered = call(request, env, header);
    context.waitUntil(answered);
    return answered;
  },
} satisfies ExportedHandler<Bindings>;
