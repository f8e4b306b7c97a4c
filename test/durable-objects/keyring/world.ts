import { env, exports } from 'cloudflare:workers';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Keyring } from '../../../durable-objects/keyring.ts';
import { type AgentKey, agentKey } from '../../../src/client/agent-key.ts';
import { intentTypedData } from '../../../src/client/signer.ts';
import { nowSeconds, type Seconds } from '../../../src/core/clock.ts';
import { type Address, random32, ZERO_ADDRESS, ZERO_HASH } from '../../../src/core/hex.ts';
import { utf8, sha256Hex } from '../../../src/crypto/bytes.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { signedHeaders } from '../../../src/protocol/http-signature.ts';
import {
  AGENT_INTENT_HEADER,
  type AgentIntent,
  encodeAgentIntent,
} from '../../../src/protocol/intent/agent-intent.ts';
import {
  SIGNER_ROUTES,
  type SignerRouteId,
  signerToolOf,
} from '../../../src/protocol/signer/management.ts';
import { type RpcAnswer, signerRpcPath } from '../../../src/protocol/signer/rpc.ts';
import { OWNER_KEYS } from '../../support/signer-owners.ts';
import {
  CHAIN,
  intent as baseIntent,
  intentParams,
  paymentParams,
  PAYEE,
  USDC,
} from '../../unit/signer/fixture.ts';

export const ORIGIN = 'https://signer.example';

/** The policy document of most tests. */
export const POLICY = {
  audiences: ['https://gateway.example'],
  tools: ['search'],
  payees: [PAYEE],
  assets: [`eip155:${CHAIN}/erc20:${USDC}`],
  perSignature: '$1',
  windows: [{ every: 'month', limit: '$2.50' }],
};

export type Owner = {
  readonly account: AccountId;
  readonly stub: () => DurableObjectStub<Keyring>;
  /** Sends a signed request. `change` alters the intent before it is signed. */
  send(
    route: SignerRouteId,
    body?: unknown,
    change?: Partial<AgentIntent>,
    query?: string,
  ): Promise<Response>;
  /** Sends a command and returns its answer. @throws unless the answer is 200 */
  command<T = Record<string, unknown>>(route: SignerRouteId, body?: unknown): Promise<T>;
};

let used = 0;
/** An owner that no other test uses. */
export const newOwner = (key: Hex | undefined = OWNER_KEYS[(used += 1)]): Owner => {
  if (key === undefined) throw new Error('no owner is left: add keys in signer-owners.ts');
  const signer = privateKeyToAccount(key);
  const address = signer.address.toLowerCase() as Address;
  const account: AccountId = `eip155:${CHAIN}:${address}`;
  const send: Owner['send'] = async (route, body, change = {}, query = '') => {
    const { method, path } = SIGNER_ROUTES[route];
    const target = path.replace(':owner', account) + query;
    const text = body === undefined ? '' : JSON.stringify(body);
    const now = nowSeconds();
    const intent: AgentIntent = {
      agent: address,
      audience: ORIGIN,
      tool: signerToolOf(route),
      ...{ method, target, contentType: body === undefined ? '' : 'application/json' },
      payloadDigest: sha256Hex(utf8(text)),
      ...{ payTo: ZERO_ADDRESS, asset: ZERO_ADDRESS, maxAmount: 0n, authority: ZERO_HASH },
      ...{ validAfter: BigInt(now - 10), validBefore: BigInt(now + 200), nonce: random32() },
      ...change,
    };
    const data = intentTypedData(intent, CHAIN);
    const signature = await signer.signTypedData(
      data as Parameters<typeof signer.signTypedData>[0],
    );
    return exports.default.fetch(ORIGIN + target, {
      method,
      headers: {
        [AGENT_INTENT_HEADER]: encodeAgentIntent({ chainId: CHAIN, intent, signature }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: text }),
    });
  };
  return {
    account,
    stub: () =>
      (env as unknown as { readonly KEYRING: DurableObjectNamespace<Keyring> }).KEYRING.getByName(
        account,
      ),
    send,
    async command<T>(route: SignerRouteId, body?: unknown) {
      const response = await send(route, body);
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
  };
};

export type Agent = { readonly key: AgentKey; readonly address: Address; readonly owner: Owner };

/** Enrols one agent. */
export const enrolAgent = async (owner: Owner, policy: object = POLICY): Promise<Agent> => {
  const key = await agentKey();
  const { agents } = await owner.command<{ agents: readonly { address: Address }[] }>(
    'agents.enrol',
    { agents: [{ jwk: key.jwk }], policy },
  );
  const [agent] = agents;
  if (agent === undefined) throw new Error('no agent was enrolled');
  return { key, address: agent.address, owner };
};

export type Sent = { readonly status: number; readonly body: RpcAnswer };

/** A request with an agent's HTTP signature. */
export const signedRequest = async (
  key: AgentKey,
  account: string,
  method: string,
  params: readonly unknown[],
  now: Seconds = nowSeconds(),
): Promise<Request> => {
  const url = ORIGIN + signerRpcPath(account);
  const body = new Uint8Array(utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })));
  const request = { method: 'POST', targetUri: url, contentType: 'application/json', body };
  return new Request(url, {
    method: 'POST',
    body,
    headers: await signedHeaders(request, key, now),
  });
};

export const sendRequest = async (request: Request): Promise<Sent> => {
  const response = await exports.default.fetch(request);
  return { status: response.status, body: (await response.json()) as RpcAnswer };
};

/** Sends a request as an agent. */
export const ask = async (
  { key, owner }: Agent,
  method: string,
  ...params: readonly unknown[]
): Promise<Sent> => sendRequest(await signedRequest(key, owner.account, method, params));

/** An intent of an agent at the current time. */
export const intentOf = (
  { address }: Pick<Agent, 'address'>,
  change: Partial<AgentIntent> = {},
): AgentIntent => {
  const now = nowSeconds();
  return {
    ...baseIntent,
    ...{ agent: address, nonce: random32() },
    ...{ validAfter: BigInt(now - 60), validBefore: BigInt(now + 180) },
    ...change,
  };
};

export const askIntent = (agent: Agent, intent: AgentIntent): Promise<Sent> =>
  ask(agent, 'eth_signTypedData_v4', ...intentParams(intent));

/** Requests the signature of an intent's payment. */
export const askPayment = (
  agent: Agent,
  intent: AgentIntent,
  change: Parameters<typeof paymentParams>[1] = {},
): Promise<Sent> =>
  ask(
    agent,
    'eth_signTypedData_v4',
    ...paymentParams(intent, { validBefore: intent.validBefore + 300n, ...change }),
  );

/** The last part of a problem's type, or the result. */
export const outcomeOf = ({ body }: Sent): unknown =>
  'error' in body
    ? body.error.data.type.replace('urn:countersign:problem:signer-', '')
    : body.result;

export const dataOf = ({ body }: Sent) => ('error' in body ? body.error.data : undefined);

/** The entries of an owner's log. */
export const entriesOf = async (
  owner: Owner,
): Promise<
  readonly {
    type: string;
    rule?: string;
    outcome?: Record<string, unknown>;
    [key: string]: unknown;
  }[]
> => (await owner.command<{ items: never[] }>('entries.list')).items;
