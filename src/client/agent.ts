import type { AccountId } from '../protocol/account-id.ts';
import { type AgentOptions, type Amount, amountOf, contextOf } from './agent-options.ts';
import type { Spending } from './budget.ts';
import { call } from './call.ts';
import type { CallRecord } from './call-record.ts';
import type { AgentResponse } from './call-report.ts';
import { look } from './look.ts';
import { readOutgoing, type FetchInit, type FetchInput } from './outgoing.ts';
import { topUp } from './top-up.ts';

/** A `fetch` that pays within caps. */
export type Agent = {
  /**
   * Sends a request like `fetch`, and pays if the server answers 402. Returns any other answer unchanged. A failed call (4xx, 5xx)
   * is an answer, not an error: `response.countersign` states what it cost.
   *
   * @throws CountersignError if the agent refuses to sign or gets no answer; the reason of the caller's own abort signal
   */
  fetch(input: FetchInput, init?: FetchInit): Promise<AgentResponse>;
  /**
   * Pays an amount in advance. It becomes credit of this account at the gateway, or of `options.account` (CAIP-10), and counts toward
   * `spend.total` now. The agent then pays calls to that gateway from credit until it is spent.
   *
   * @param gateway origin of the gateway, e.g. `https://gw.example`
   * @throws CountersignError
   */
  topUp(
    gateway: string,
    amount: Amount,
    options?: { readonly account?: AccountId },
  ): Promise<AgentResponse>;
  /**
   * Looks up the outcome of a call of this account, free of charge. Use it after `answer_lost`, with `error.call`.
   *
   * @throws CountersignError `unknown_call`, `look_failed`
   */
  look(gateway: string, callId: string): Promise<CallRecord>;
  /** The amounts that this agent has signed for, that servers charged, and that remain of `spend.total`. */
  spending(): Spending;
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
    spending: () => context.budget.spending(),
  };
};
