import { useEffect, useState } from 'preact/hooks';
import { actProblem } from './act-problem.ts';
import { sessionNetwork } from './act.ts';
import { gateway } from '../gateway/gateway.ts';
import { carryOnKept, lostChange, noChanges } from './kept-changes.ts';
import { type Change, carryOn, type SentChange, type Settle, type Step } from './sent-change.ts';
import { accountMemory } from '../reading/session-memory.ts';
import { aloneAmongTabs } from '../../session/browser-tabs.ts';

const keptChanges = accountMemory(() => noChanges(aloneAmongTabs));

const LOST =
  'The gateway did not answer. It may have carried out this change, and may still do so. “Ask again” sends the same signed command, which the gateway carries out at most once.';

const EARLIER =
  'The gateway did not answer an earlier change here. It may have carried it out, and may still do so. “Ask again” sends that signed command again, whatever this dialog shows; the gateway carries it out at most once.';

const DONE =
  'The change that you signed here before went through meanwhile. This page shows it within seconds.';

/** Carries out one change at a time. @param subject names the changed object, if a second signature could take effect twice */
export const useChange = (subject: string | undefined) => {
  const [kept] = useState(keptChanges);
  const [sent, setSent] = useState<SentChange | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [found, setFound] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(subject !== undefined && kept.underWay.has(subject));
  const show = async (step: Step, lost: string): Promise<void> => {
    const failure =
      step.is === 'failed' ? await actProblem(step.thrown, sessionNetwork()) : undefined;
    setAsking(false);
    setSent(step.is === 'lost' ? step.sent : undefined);
    if (step.is === 'settled') setFound(step.found);
    if (failure !== undefined) setProblem(failure);
    if (step.is === 'lost') setProblem(lost);
  };
  useEffect(() => {
    const earlier = subject === undefined ? undefined : kept.underWay.get(subject);
    // The change may have ended since the first render.
    if (earlier === undefined) {
      setAsking(false);
      if (subject !== undefined) {
        void lostChange(kept, subject).then((found) => {
          if (found === undefined) return;
          setSent(found);
          setProblem(EARLIER);
        });
      }
    }
    void earlier?.then(async (step) => {
      await show(step, EARLIER);
      if (step.is === 'done') setFound(DONE);
    });
    // Only for a change that was in progress when the dialog opened: `carryOut` returns the end of a change of this dialog.
  }, []);
  return {
    isAsking,
    problem,
    /** The stored state, read in place of a lost answer. */
    found,
    /** Whether an earlier answer was lost: then `carryOut` repeats that change. */
    isLost: sent !== undefined,
    /** @returns the new state; unless it is done, `problem` or `found` explains it */
    carryOut: async (change: Change, settle: Settle): Promise<Step['is']> => {
      const management = gateway.value;
      if (management === undefined) return 'failed';
      setProblem(undefined);
      setAsking(true);
      const next = sent ?? { change, settle, management, state: 'new' };
      const step = await (subject === undefined
        ? carryOn(next, management)
        : carryOnKept(kept, subject, next, management));
      await show(step, LOST);
      return step.is;
    },
  };
};
