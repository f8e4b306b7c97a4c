import { useState } from 'preact/hooks';
import type { Management } from '../../client/management.ts';
import { walletProblem } from '../session/wallets.ts';
import { gateway } from './gateway.ts';
import { problemOf } from './query.ts';

/** A change that the wallet signs: whether it is asking now, and why the last one failed. */
export type Act = {
  readonly isAsking: boolean;
  readonly problem: string | undefined;
  /** Carries out a change. @returns whether it happened; if not, `problem` says why */
  readonly carryOut: (change: (management: Management) => Promise<unknown>) => Promise<boolean>;
  /** Forgets the problem of an earlier attempt. */
  readonly reset: () => void;
};

/** What a person should know about a change that failed: the wallet's refusal, or the gateway's. */
export const actProblem = (thrown: unknown): string => {
  const { cause } = thrown as { readonly cause?: unknown };
  if (cause !== undefined) return walletProblem(cause);
  const { detail, hint } = problemOf(thrown);
  return `${detail} ${hint}`;
};

/** One change at a time. What a person typed is kept when it fails. */
export const useAct = (): Act => {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  return {
    isAsking,
    problem,
    reset: () => setProblem(undefined),
    carryOut: async (change) => {
      const management = gateway.value;
      if (management === undefined) return false;
      setProblem(undefined);
      setAsking(true);
      try {
        await change(management);
        return true;
      } catch (thrown) {
        setProblem(actProblem(thrown));
        return false;
      } finally {
        setAsking(false);
      }
    },
  };
};
