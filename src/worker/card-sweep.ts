import { sweepCards } from '../cards/sweep.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import { raiser } from '../webhooks/alerts.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

/** Ends the cards of calls that have ended. @throws if the database does not answer */
export const endCards = async (env: Env, config: Config, now: Seconds): Promise<void> => {
  const owner = gatewayAccount(config);
  const { upstreamUrl, reach } = config;
  const raise = raiser(env);
  const notes: Promise<unknown>[] = [];
  await sweepCards(
    {
      ...{ db: env.AUDIT_DB, env, owner, upstreamUrl, reach },
      raise: (alert) => raise(owner, alert),
      waitUntil: (promise) => void notes.push(promise),
      account: (id) => objectOf(env, env.AGENT_ACCOUNT, id),
    },
    now,
  );
  await Promise.allSettled(notes);
};
