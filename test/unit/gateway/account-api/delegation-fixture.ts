import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import { delegationsTool } from '../../../../src/catalog/gateway-tools.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { registerDelegation } from '../../../../src/gateway/account-api/delegations.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import type { AgentIntent } from '../../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { delegationBody, delegationOf, type Signing } from './documents.ts';
import { KEY_ACCOUNT, network, type Node, scriptedGateway } from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  signIntent,
  vectorConfig,
  type Who,
} from '../signing.ts';

export const config = vectorConfig();
export const OWNER = `eip155:84532:${addressOf('owner')}` as const;
export const AGENT = `eip155:84532:${addressOf('agent')}` as const;
export const HASH = vectors.delegation.hash;
export const MAGIC = `0x1626ba7e${'0'.repeat(56)}`;

export const requestOf = (body: unknown, headers: Record<string, string> = {}) =>
  new Request('https://gw.example/delegations', {
    method: 'PUT',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });
export const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

/** Registers a grant at stub accounts. */
export const send = async (
  options: {
    readonly fields?: Partial<AgentDelegation>;
    readonly signing?: Signing;
    readonly apply?: (kind: string) => CommandVerdict;
  } = {},
) => {
  const { fields, signing, apply } = options;
  const { gateway, asked, rateLimited, offered } = await scriptedGateway(
    config,
    apply === undefined ? {} : { apply: async ({ kind }) => apply(kind) },
  );
  const body = await delegationBody(delegationOf(fields), signing);
  return {
    answer: await registerDelegation(gateway, requestOf(body)),
    asked,
    rateLimited,
    offered,
  };
};

/** Registers a grant with an `Agent-Intent` of this signer. */
export const sendWith = async (
  who: Who,
  options: {
    readonly fields?: Partial<AgentDelegation>;
    readonly intent?: Partial<AgentIntent>;
    readonly node?: Node;
    readonly signer?: Who;
    readonly apply?: (kind: string) => CommandVerdict;
  } = {},
) => {
  const { rpc } = network(options.node ?? KEY_ACCOUNT);
  const { apply } = options;
  const { gateway, asked, offered } = await scriptedGateway(
    config,
    apply === undefined ? {} : { apply: async ({ kind }) => apply(kind) },
  );
  const delegation = delegationOf(options.fields);
  const body = await delegationBody(delegation);
  const seen = await observeOwn(requestOf(body), config, delegationsTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, { agent: addressOf(who), ...options.intent });
  const headers = intentHeader(await signIntent(intent, options.signer ?? who));
  const answer = await registerDelegation(gateway, requestOf(body, headers));
  return { answer, asked, rpc, offered, intent };
};

/** A node on which this account has code that accepts or rejects signatures. */
export const contractAt = (address: Hex, accepts: boolean): Node => ({
  ...KEY_ACCOUNT,
  eth_getCode: ([asked]: [Hex]) => (asked === address ? '0x60' : '0x'),
  eth_call: ([{ to, data }]: [{ to: Hex; data: string }]) =>
    accepts && to === address && data.startsWith('0x1626ba7e') ? MAGIC : `0x${'0'.repeat(64)}`,
});
