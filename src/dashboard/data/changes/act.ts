import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import { network } from '../../../protocol/account-id.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { actProblem } from './act-problem.ts';
import { gateway, sessionWallet } from '../gateway/gateway.ts';

/** The state of changes that the wallet signs: whether it is asking now, and why the last change failed. */
export type Act = {
  readonly isAsking: boolean;
  readonly problem: string | undefined;
  /** Carries out a change. @returns whether it happened; if not, `problem` has the reason */
  readonly carryOut: (change: (management: Management) => Promise<unknown>) => Promise<boolean>;
};

/** Name of the network that the wallet of the session signs for. */
export const sessionNetwork = (): string => networkName(network(sessionWallet.value?.chainId ?? 0));

/** Carries out one change at a time, and keeps what a person typed if it fails. */
export const useAct = (): Act => {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  return {
    isAsking,
    problem,
    carryOut: async (change) => {
      const management = gateway.value;
      if (management === undefined) return false;
      setProblem(undefined);
      setAsking(true);
      try {
        await change(management);
        return true;
      } catch (thrown) {
        setProblem(await actProblem(thrown, sessionNetwork()));
        return false;
      } finally {
        setAsking(false);
      }
    },
  };
};
