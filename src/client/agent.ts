import { accountId, type AccountId } from '../protocol/account-id.ts';
import { type AgentOptions, type Amount, amountOf, contextOf } from './agent-options.ts';
import { creditKey, type Spending } from './budget.ts';
import type { CallRecord } from './call-record.ts';
import { type AgentResponse, creditIn } from './call-report.ts';
import { call } from './call.ts';
import type { AgentContext } from './context.ts';
import { CountersignError } from './errors.ts';
import { look } from './look.ts';
import { type FetchInit, type FetchInput, readOutgoing } from './outgoing.ts';
import { isFromAudience } from './present.ts';
import type { ResumeOptions } from './pending-approval.ts';
import type { SavedCall } from './saved-call.ts';
import { addressOf } from './signer.ts';
import { topUpRequest } from './top-up-request.ts';
import type { McpClientInfo } from './mcp/connect.ts';
import type { AgentTool } from './mcp/tools.ts';
import type { Client } from '@modelcontextprotocol/client';

/** A `fetch` that pays within caps. */
export type Agent = {
  /**
   * Sends a request like `fetch`, and pays if the server answers 402. Returns any other answer unchanged. A failed call (4xx, 5xx)
   * is an answer, not an error: `response.countersign` states what it cost.
   *
   * @throws CountersignError if the agent refuses to sign or gets no answer (`ErrorCode`), or if a person must approve the call
   * (`ApprovalRequired`); the reason of the caller's own abort signal
   */
  fetch(input: FetchInput, init?: FetchInit): Promise<AgentResponse>;
  /**
   * Pays an amount in advance. It becomes credit of this account at the gateway, or of `options.account` (CAIP-10), and counts toward
   * `spend.total` now. The agent then pays calls to that gateway from credit until it is spent.
   *
   * @param gateway origin of the gateway, e.g. `https://gw.example`
   * @param amount dollars or atomic units (`Amount`)
   * @throws CountersignError `options_invalid`, `over_total`, and the errors of `fetch`
   */
  topUp(
    gateway: string,
    amount: Amount,
    options?: { readonly account?: AccountId },
  ): Promise<AgentResponse>;
  /**
   * Looks up the outcome of a call of this account, free of charge. Use it after `answer_lost`, with `error.call`.
   *
   * @param gateway origin of the gateway
   * @param callId 0x and 64 hex digits
   * @throws CountersignError `options_invalid`, `unknown_call`, `look_failed`
   */
  look(gateway: string, callId: string): Promise<CallRecord>;
  /**
   * Continues a call that waits for a person, from what `approval.save()` returned, also in another process: as `PendingApproval.resume`.
   * An amount that another agent signed counts toward `spend.total` of this one from now on.
   *
   * @throws CountersignError `options_invalid`, `over_total`, and the errors of `PendingApproval.resume`
   */
  resume(saved: SavedCall, options?: ResumeOptions): Promise<AgentResponse>;
  /**
   * Connects a client of the official MCP SDK that pays `tools/call` within the caps. Each result holds the call's report in
   * `_meta["countersign/report"]`; a call that the agent refuses to pay rejects with `CountersignError`.
   *
   * @param url of a Streamable HTTP endpoint, e.g. `https://gw.example/mcp`
   * @throws CountersignError `options_invalid`; the errors of the SDK's `Client.connect`
   */
  mcp(url: string, info?: McpClientInfo): Promise<Client>;
  /**
   * Lists the tools of an MCP server as plain definitions with an `execute` that pays, for any agent framework (docs/client.md).
   *
   * @param url of a Streamable HTTP endpoint
   * @throws as `mcp`
   */
  tools(url: string): Promise<readonly AgentTool[]>;
  /** The amounts that this agent has signed for, that servers charged, and that remain of `spend.total`; `card`: of `spend.card.total`. */
  spending(): Spending & { readonly card?: Spending };
};

/**
 * Creates an agent from an account and its caps. The agent signs payments that are bound to their request if a gateway offers that,
 * and plain x402 payments (version 2 or 1) elsewhere. It never signs for more than its caps, whatever a server states.
 *
 * @throws CountersignError `options_invalid`, which names the option; `spend_missing`
 * @example
 * const agent = createAgent({ account, spend: { perCall: '$0.01', total: '$1' } });
 * const response = await agent.fetch('https://gw.example/tools/lookup?word=river');
 */
export const createAgent = (options: AgentOptions): Agent => {
  const context = contextOf(options);
  const terms = { perCall: context.rules.perCall, binding: 'any', from: 'credit' } as const;
  return {
    fetch: async (input, init) => {
      const { response } = await call(context, await readOutgoing(input, init), terms);
      return response;
    },
    topUp: async (gateway, amount, { account } = {}) =>
      await topUp(context, gateway, amountOf(amount, 'amount'), account),
    look: async (gateway, callId) => await look(context, gateway, callId),
    resume: async (saved, options = {}) => {
      const { resumeCall } = await import('./resume-call.ts');
      return await resumeCall(context, saved, options);
    },
    mcp: async (url, info) => await connectTo(context, url, info),
    tools: async (url) => {
      const { toolsOf } = await import('./mcp/tools.ts');
      return await toolsOf(await connectTo(context, url));
    },
    spending: () => ({
      ...context.budget.spending(),
      ...(context.card && { card: context.card.budget.spending() }),
    }),
  };
};

/** The SDK is large and few agents use MCP, so the client loads it with the first connection. */
const connectTo = async (
  context: AgentContext,
  url: string,
  info: McpClientInfo = { name: 'countersign', version: '0.1.0' },
): Promise<Client> => {
  if (!URL.canParse(url)) {
    throw new CountersignError('options_invalid', 'The address of an MCP server must be a URL.');
  }
  const { connect } = await import('./mcp/connect.ts');
  return await connect(context, url, info);
};

/**
 * Buys credit with `POST <gateway>/credits?amount=<atomic units>`. The caller chose the amount, so it replaces the cap per call. The
 * budget counts it now, and not again when calls spend the credit.
 *
 * @param to the account that receives the credit, if not this one; the agent then signs only a payment that is bound to this request
 */
const topUp = async (
  context: AgentContext,
  gateway: string,
  amount: bigint,
  to: AccountId | undefined,
): Promise<AgentResponse> => {
  const outgoing = await topUpRequest(gateway, amount, to);
  const { response, proof } = await call(context, outgoing, {
    perCall: amount,
    binding: to === undefined ? 'any' : 'intent',
    from: 'payment',
  });
  const own = proof && accountId(proof.network, addressOf(context.signer));
  if (proof?.gateway !== undefined && (to === undefined || to === own)) {
    const key = creditKey(proof.gateway.audience, proof.asset);
    const { charged } = response.countersign;
    if (isFromAudience(outgoing, proof, response.countersign)) {
      context.budget.addPrepaid(key, charged);
    }
    if (creditIn(response.headers) === undefined) context.credit.add(key, charged);
  }
  return response;
};
