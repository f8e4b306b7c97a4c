/**
 * The process of an agent that holds no wallet key. It reads its task from standard input and pays for one call through the signer. Then it
 * requests a call above the signer's policy, and the signature that an injected page wants. It prints the results as JSON.
 */
import { text } from 'node:stream/consumers';
import {
  type AgentResponse,
  type CountersignError,
  createAgent,
  remoteAccount,
} from '../../src/client/index.ts';
import type { PrivateAgentKey } from '../../src/client/agent-key.ts';

/** Input of the process. `key` is the agent's own Ed25519 key, which cannot move money. */
export type RemoteErrand = {
  readonly url: string;
  readonly key: PrivateAgentKey;
  readonly call: string;
  readonly dear: { readonly url: string; readonly body: string };
  /** Typed data that an injected page wants signed: an allowance for a stranger. */
  readonly permit: object;
};

export type RemoteResult = {
  /** 0 if the call was not sent. */
  readonly status: number;
  /** The rule by which the signer refused the call; empty if it signed. */
  readonly refused: string;
  readonly charged: string;
  readonly binding: string;
  readonly receipt: boolean;
  /** The rule by which the signer refused the call above its policy. */
  readonly dear: string;
  /** The rule by which the signer refused the permit. */
  readonly permit: string;
};

const errand = JSON.parse(await text(process.stdin)) as RemoteErrand;
const account = await remoteAccount({ url: errand.url, key: errand.key });
// Attack: an attacker who takes over this process can lift its caps. So the caps are high here: only the signer's policy protects.
const agent = createAgent({ account, spend: { perCall: '$100', total: '$100' } });

/** Returns the rule by which the signer refused, or `signed`. */
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
