import type { LimitState } from '../../durable-objects/agent-account/contract.ts';

/** The wire form of a limit. */
export const limitBody = ({ resetsAt, ...limit }: LimitState) => ({
  ...limit,
  ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
});
