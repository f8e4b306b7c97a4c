import { inTime } from '../core/in-time.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { objectOf } from '../protocol/jurisdiction.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type Config, gatewayAccount } from './config.ts';
import { keyFaults } from './key-faults.ts';
import { placementFault } from './placement.ts';

/** How long an isolate waits for the gateway's own account, milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Why a gateway with a valid configuration must not start: keys of another environment, or objects in another jurisdiction. A silent database
 * stops only a gateway that has never started in this jurisdiction.
 */
export const startFault = async (env: Env, config: Config): Promise<Reason | undefined> => {
  const faults = keyFaults(config, env as Parameters<typeof keyFaults>[1]);
  if (faults.length > 0) return { reason: 'misconfigured', faults };
  const fault = await placementFault(env.AUDIT_DB, config.jurisdiction);
  const isSilent = fault?.reason === 'storage_unavailable';
  return isSilent && (await hasStarted(env, config)) ? undefined : fault;
};

/** Whether the gateway's own account has entries. A start writes them only after it has compared the jurisdiction with the database. */
const hasStarted = async (env: Env, config: Config): Promise<boolean> => {
  const account: Pick<AgentAccountRpc, 'entries'> = objectOf(
    env,
    env.AGENT_ACCOUNT,
    gatewayAccount(config),
  );
  try {
    const page = await inTime(account.entries(0, 0, 1), PATIENCE_MS);
    return page.verdict === 'found' && page.head > 0;
  } catch (cause) {
    console.error({ event: 'history_unknown', cause: String(cause) });
    return false;
  }
};
