import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type Address, erc20Abi, type Hex, type LocalAccount, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import {
  randomNonce,
  signAuthorization,
  type SignedAuthorization,
} from '../../../dev/stack/authorization.ts';
import { people } from '../../../dev/stack/people.ts';
import { signPermit } from '../../../dev/stack/permit.ts';
import { permit2 } from '../../../dev/stack/permit2/permit2-code.ts';
import { uptoProxy } from '../../../dev/stack/permit2/upto-proxy-code.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { type AccountId, accountId } from '../../../src/protocol/account-id.ts';
import { base64Json, paymentHeader } from '../../support/payment-header.ts';
import { PERMIT_SENDER, PRICES, type Stage, type ToolName } from './stage.ts';

/** Initial USDC balance of an agent: one dollar. */
const FUNDS = 1_000_000n;

/** `maxTimeoutSeconds` of each tool's offer, which a vanilla client signs to the second. */
const TIMEOUTS = {
  deferred: 3600,
  upfront: 300,
  failing: 3600,
  streamed: 3600,
  kept: 300,
} as const;

/** A funded key. Each case has one of its own, and so an account of its own. */
export type Agent = {
  readonly name: string;
  readonly account: LocalAccount;
  /** Lower case. */
  readonly address: Address;
  readonly id: AccountId;
};

export const newAgent = async (stage: Stage, name: string): Promise<Agent> => {
  const account = privateKeyToAccount(generatePrivateKey());
  const address = account.address.toLowerCase() as Address;
  await stage.stack.chain.fund(address, FUNDS);
  return { name, account, address, id: accountId(usdc.network, address) };
};

/** A signed request, which a client may send repeatedly. */
export type PaidRequest = {
  readonly agent: Agent;
  readonly url: string;
  readonly header: string;
  /** Also the call id. */
  readonly nonce: Hex;
  readonly signed: SignedAuthorization;
};

/** An answer. Status 0 means that the connection broke before it arrived. */
export type Reply = { readonly status: number; readonly body: string; readonly retryAfter: number };

/** Signs a vanilla x402 v2 payment for a tool. The path contains the agent's address, so that a proxy can attribute the call to its agent. */
export const signRequest = async (
  stage: Stage,
  agent: Agent,
  tool: ToolName,
  /** Seconds until the authorization ends. The gateway defers settlement only of long ones (law 7). */
  lifetime: number = TIMEOUTS[tool],
): Promise<PaidRequest> => {
  const nonce = randomNonce();
  const value = PRICES[tool];
  const signed = await signAuthorization({
    account: agent.account,
    token: usdc,
    to: people.payTo,
    value,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(Date.now() / 1000) + lifetime),
    nonce,
  });
  const header = paymentHeader(signed, TIMEOUTS[tool], {
    'payment-identifier': { info: { id: randomBytes(16).toString('hex') } },
  });
  return { agent, url: urlOf(stage, agent, tool, nonce), header, nonce, signed };
};

const urlOf = ({ stack }: Stage, { address }: Agent, tool: ToolName, nonce: Hex): string =>
  `${stack.gateway.url}/${tool}/${address}/${nonce.slice(2, 10)}`;

/** Signs a permit (scheme `upto`) for a stream, and approves Permit2 for it on the chain. */
export const signPermitRequest = async (stage: Stage, agent: Agent): Promise<PaidRequest> => {
  const { client } = stage.stack.chain;
  const { account, address } = agent;
  await client.setBalance({ address, value: parseEther('1') });
  const hash = await client.writeContract({
    ...{ account, address: usdc.address, abi: erc20Abi },
    ...{ functionName: 'approve', args: [permit2, FUNDS] },
  });
  await client.waitForTransactionReceipt({ hash });
  const nonce = randomNonce();
  const signed = await signPermit({
    ...{ account, token: usdc, to: people.payTo, value: PRICES.streamed, nonce },
    ...{ facilitator: PERMIT_SENDER, validAfter: 0n },
    validBefore: BigInt(Math.floor(Date.now() / 1000) + TIMEOUTS.streamed),
  });
  const { from, to, value, validBefore } = signed.authorization;
  const header = base64Json({
    x402Version: 2,
    accepted: {
      ...{ scheme: 'upto', network: usdc.network, amount: `${value}`, asset: usdc.address },
      ...{ payTo: people.payTo, maxTimeoutSeconds: TIMEOUTS.streamed },
      extra: {
        ...{ name: usdc.name, version: usdc.version, assetTransferMethod: 'permit2' },
        facilitatorAddress: PERMIT_SENDER,
      },
    },
    payload: {
      signature: signed.signature,
      permit2Authorization: {
        ...{ from, permitted: { token: usdc.address, amount: `${value}` }, spender: uptoProxy },
        ...{ nonce: BigInt(nonce).toString(), deadline: `${validBefore}` },
        witness: { to, facilitator: PERMIT_SENDER, validAfter: '0' },
      },
    },
  });
  return { agent, url: urlOf(stage, agent, 'streamed', nonce), header, nonce, signed };
};

/** Sends a request once. */
export const send = async ({ url, header }: PaidRequest): Promise<Reply> => {
  try {
    const response = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
    const retryAfter = Number(response.headers.get('retry-after') ?? 0);
    return { status: response.status, body: await response.text(), retryAfter };
  } catch {
    return { status: 0, body: '', retryAfter: 1 };
  }
};

/** Sends the same request again after the `Retry-After` of the previous answer. */
export const sendAfter = async (before: Reply, request: PaidRequest): Promise<Reply> => {
  await new Promise((resolve) => setTimeout(resolve, before.retryAfter * 1_000));
  return send(request);
};

/** Sends a request and hangs up without reading a byte. */
export const sendAndLeave = async ({ url, header }: PaidRequest): Promise<void> => {
  const { hostname, port, pathname } = new URL(url);
  const lines = [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `PAYMENT-SIGNATURE: ${header}`,
  ];
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => {
        socket.destroy();
        resolve();
      });
    });
    socket.once('error', reject);
  });
};

/** Whether the client must send the same request again later. */
const isOpen = ({ status, body }: Reply): boolean =>
  status === 0 || status === 503 || (status === 409 && body.includes('in-progress'));

/**
 * Repeats a request until a final answer arrives or the time is over, and pushes every answer to `replies`.
 */
export const repeatUntilFinal = async (
  request: PaidRequest,
  milliseconds: number,
  replies: Reply[],
): Promise<Reply> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const reply = await send(request);
    replies.push(reply);
    if (!isOpen(reply) || Date.now() > deadline) return reply;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, reply.retryAfter) * 1000));
  }
};
