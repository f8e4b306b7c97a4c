import type { Reason } from '../protocol/problem/reason.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { objectOf } from '../protocol/jurisdiction.ts';
import { type Config, gatewayAccount } from './config.ts';
import { keyFaults } from './key-faults.ts';
import { placementFault } from './placement.ts';

/** Why a gateway with a valid configuration must not start: keys of another environment, or objects in another jurisdiction. */
export const startFault = async (env: Env, config: Config): Promise<Reason | undefined> => {
  const faults = keyFaults(config, env as Parameters<typeof keyFaults>[1]);
  if (faults.length > 0) return { reason: 'misconfigured', faults };
  return placementFault(env.AUDIT_DB, config.jurisdiction, async () => {
    const account: Pick<AgentAccountRpc, 'entries'> = objectOf(
      env,
      env.AGENT_ACCOUNT,
      gatewayAccount(config),
    );
    const page = await account.entries(0, 0, 1);
    return page.verdict === 'found' && page.head > 0;
  });
};
