import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Narrator } from '../demo/narrator.ts';

/** How large a storm is, and where it leaves its files. */
export type StormOptions = {
  /** Paid calls, all sent at once. */
  readonly calls: number;
  /** Agents that share one cap. */
  readonly agents: number;
  /** Directory of everything that the storm leaves behind. Its content is replaced. */
  readonly out: string;
  readonly narrator: Narrator;
  /** Main module of the Worker, as in `GatewayOptions`: a test runs a Worker with a broken limit. */
  readonly entry?: string;
  /** Makes this many seconds pass for the gateway and these accounts. By default the storm waits that long. */
  readonly pass?: (
    gateway: string,
    seconds: number,
    accounts: readonly AccountId[],
  ) => Promise<void>;
};
