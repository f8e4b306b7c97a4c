import { nowSeconds } from '../../../src/core/clock.ts';
import { type Hex, random16 } from '../../../src/core/hex.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { accountId, assetId } from '../../../src/protocol/account-id.ts';
import type { AccountCommand, CommandIntent } from '../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import {
  type AgentDelegation,
  delegationDigest,
} from '../../../src/protocol/intent/agent-delegation.ts';
import type { AgentAccount } from '../../../durable-objects/account/agent-account.ts';

/** Bindings for RPC to the accounts, which the gateway calls after it has verified a command. */
export type Accounts = { readonly AGENT_ACCOUNT: DurableObjectNamespace<AgentAccount> };

/** A grant to register. `depth`: how many levels of grants the delegate may add. */
export type Enrolment = {
  readonly issuer: Hex;
  readonly delegate: Hex;
  readonly audience: string;
  readonly parent: Hex;
  readonly depth: number;
};

/** A policy in one of the two slots of an account. */
export type PolicyChange = {
  readonly account: Hex;
  readonly slot: 'operator' | 'owner';
  readonly document: unknown;
};

/** Tools for the gateway's own account. */
export type ToolChange = { readonly keeper: Hex; readonly count: number };

const CHAIN_ID = 84532;
const NETWORK = 'eip155:84532';
const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const UNLIMITED = 9_007_199_254_740_991n;
const QUARTER = 90 * 86_400;
/** All grants of a process expire together, because a grant must not outlive its parent grant. */
let end = 0n;

const stubOf = ({ AGENT_ACCOUNT }: Accounts, address: Hex): DurableObjectStub<AgentAccount> =>
  AGENT_ACCOUNT.getByName(accountId(NETWORK, address));

const grantOf = (enrolment: Enrolment): SignedGrant => {
  end ||= BigInt(nowSeconds() + QUARTER);
  const delegation: AgentDelegation = {
    ...enrolment,
    tools: ['*'],
    payees: [ANY_PAYEE],
    asset: USDC,
    maxPerCall: UNLIMITED,
    maxTotal: UNLIMITED,
    windowSeconds: 0n,
    maxPerWindow: 0n,
    validAfter: 0n,
    validUntil: end,
    epoch: 0n,
    id: `${random16()}${random16().slice(2)}`,
  };
  return {
    hash: delegationDigest(delegation, CHAIN_ID),
    chainId: CHAIN_ID,
    delegation,
    signature: `0x${'44'.repeat(65)}`,
  };
};

const apply = async (accounts: Accounts, address: Hex, command: AccountCommand) => {
  const governed = await stubOf(accounts, address).apply(command);
  if (governed.verdict === 'applied') return governed;
  throw new Error(`${address} refused a command: ${JSON.stringify(governed)}`);
};

/** Registers a grant with its issuer and with its delegate, which consents. @returns its hash. */
export const enrol = async (accounts: Accounts, enrolment: Enrolment): Promise<Hex> => {
  const grant = grantOf(enrolment);
  const { issuer, delegate } = enrolment;
  const asset = assetId(NETWORK, USDC);
  const facts = { hasCode: false, balance: 1n, asset, block: 10, nonceUsed: false };
  const issue = {
    kind: 'issue',
    grant,
    facts: { ...facts, at: nowSeconds() },
    consent: true,
  } as const;
  const { chain = [] } = await apply(accounts, issuer, issue);
  const consent = { call: `${random16()}${random16().slice(2)}`, proof: 'intent' } as const;
  await apply(accounts, delegate, { kind: 'take', grant, chain, consent });
  return grant.hash;
};

/** Writes a policy. */
export const setPolicy = async (
  accounts: Accounts,
  { account, slot, document }: PolicyChange,
): Promise<void> => {
  const intent: CommandIntent = { fields: {}, signature: `0x${'55'.repeat(65)}` };
  await apply(accounts, account, { kind: 'policy', slot, document, intent });
};

const toolOf = (number: number) => ({
  id: `tool-${number}`,
  method: 'GET',
  path: `/more/tool-${number}`,
  description: 'One of many.',
  price: '$0.001',
  settlement: 'deferred',
  upstream: '/lookup',
  params: { word: { query: 'word' } },
});

/** Puts tools as an operator does. */
export const putTools = async (
  accounts: Accounts,
  { keeper, count }: ToolChange,
): Promise<void> => {
  const intent: CommandIntent = { fields: {}, signature: `0x${'55'.repeat(65)}` };
  const by = { account: accountId(NETWORK, keeper), role: 'operator' } as const;
  const documents = Array.from({ length: count }, (_, number) => toolOf(number));
  await Promise.all(
    documents.map((document) =>
      apply(accounts, keeper, {
        ...{ kind: 'document', type: 'tool', name: document.id, document, by, intent },
      }),
    ),
  );
};
