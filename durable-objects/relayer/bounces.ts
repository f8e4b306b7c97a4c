import { bounceQuery } from '../../src/settlement/present/bounce.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import { RELAYER } from '../../src/protocol/relayer-contract.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import type { Desk } from './desk.ts';

/**
 * Tells accounts of payments that failed when they were tried, where the payer is the reason: until such a payment has ended, its account
 * serves nothing more on trust (law 7). Never throws. An account that did not hear hears from the settlement queue, which looks too.
 */
export const tellBounces = async (desk: Desk, tried: readonly Pending[]): Promise<void> => {
  const { node, setup, audience } = desk;
  const { token } = setup;
  try {
    const answers = await node.ask(
      tried.map(({ authorization, signature, sinceBlock }) =>
        bounceQuery({ token, authorization, signature }, sinceBlock),
      ),
    );
    const results = tried.flatMap(({ account, call }, at) => {
      const answer = answers[at];
      const reason = answer?.ok === true ? answer.value : undefined;
      if (reason === undefined) return [];
      const result: SettlementResult = { call, outcome: 'bounced', reason, backend: RELAYER };
      return { account, result };
    });
    const byAccount = Map.groupBy(results, ({ account }) => account);
    await Promise.all(
      [...byAccount].map(async ([account, own]) =>
        audience.tell(
          account,
          own.map(({ result }) => result),
        ),
      ),
    );
  } catch (cause) {
    console.error({ event: 'relay_bounce_untold', cause: String(cause) });
  }
};
