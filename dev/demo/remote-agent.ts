/**
 * The process of an agent that holds no wallet key: it reads its errand from standard input, pays for one call through the signer, then asks the
 * signer for what an injected page wants, and prints what came of it as JSON.
 */
import { text } from 'node:stream/consumers';
import {
  type AgentResponse,
  type CountersignError,
  createAgent,
  remoteAccount,
} from '../../src/client/index.ts';
import type { PrivateAgentKey } from '../../src/client/agent-key.ts';

/** What the process is given. The key is the agent's own Ed25519 key: it moves no money. */
export type RemoteErrand = {
  readonly url: string;
  readonly key: PrivateAgentKey;
  readonly call: string;
  readonly dear: { readonly url: string; readonly body: string };
  /** Typed data that an injected page wants signed, without the owner of the allowance. */
  readonly permit: object;
};

export type RemoteResult = {
  /** 0 if the call was not sent. */
  readonly status: number;
  /** The rule of the signer that refused the call; empty if it signed. */
  readonly refused: string;
  readonly charged: string;
  readonly binding: string;
  readonly receipt: boolean;
  /** The rule of the signer that refused the dear call. */
  readonly dear: string;
  /** The rule of the signer that refused the permit. */
  readonly permit: string;
};

const errand = JSON.parse(await text(process.stdin)) as RemoteErrand;
const account = await remoteAccount({ url: errand.url, key: errand.key });
// Wider than the policy of the signer, which is what must hold when this process is taken over.
const agent = createAgent({ account, spend: { perCall: '$100', total: '$100' } });

/** The rule that refused. */
const refusalOf = async (asking: Promise<unknown>): Promise<string> => {
  try {
    await asking;
    return 'signed';
  } catch (error) {
    const { problem, message } = error as CountersignError;
    const rule = problem?.['rule'];
    return typeof rule === 'string' ? rule : message;
  }
};

let response: AgentResponse | undefined;
const refused = await refusalOf(
  agent.fetch(errand.call).then((answer) => {
    response = answer;
  }),
);
const { charged = 0n, binding = 'none', receipt } = response?.countersign ?? {};
const { url, body } = errand.dear;
const headers = { 'content-type': 'application/json' };
const result: RemoteResult = {
  status: response?.status ?? 0,
  refused: response === undefined ? refused : '',
  charged: String(charged),
  binding,
  receipt: receipt?.verified === true,
  dear: await refusalOf(agent.fetch(url, { method: 'POST', body, headers })),
  permit: await refusalOf(account.signTypedData(errand.permit as never)),
};
console.log(JSON.stringify(result));
