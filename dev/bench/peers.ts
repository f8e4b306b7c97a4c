import {
  type Concurrency,
  ENTRANTS,
  measureConcurrency,
  measureEntrant,
  type Result,
} from './calls.ts';
import { measureFirstCalls } from './first-call.ts';
import type { Options } from './options.ts';
import { cellFigures, type Measured, verifierFigures } from './results.ts';
import { spread } from './statistics.ts';
import type { Bench, Upstream } from './subject.ts';
import { measureVerifier, signMessages, type Verification, VERIFIERS } from './verification.ts';

/** Upstreams whose facilitators answer at once and after a delay. */
export type Upstreams = Readonly<Record<'instant' | 'slow', Upstream>>;

/** Rotates a list by the round, so that each subject is the first in some round. */
const rotated = <T>(list: readonly T[], round: number): readonly T[] => {
  const start = round % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
};

/** Compares Countersign with its peers in rounds, with a fresh process for each subject and round. */
export const measurePeers = async (
  bench: Bench,
  upstreams: Upstreams,
  { rounds, has }: Pick<Options, 'rounds' | 'has'>,
  print: (line: string) => void,
): Promise<Partial<Measured>> => {
  const messages = signMessages();
  const verified: Verification[] = [];
  const called: Result[] = [];
  const concurrency: Concurrency[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `round ${round + 1} of ${rounds}`;
    for (const verifier of has('verification') ? rotated(VERIFIERS, round) : []) {
      const figures = await measureVerifier(bench, verifier, messages);
      verified.push(figures);
      print(
        `${name}: ${verifier.name}: ${figures.hotMany.toFixed(0)} µs hot, ${figures.first.toFixed(0)} µs first`,
      );
    }
    for (const entrant of has('calls') ? rotated(ENTRANTS, round) : []) {
      const results = await measureEntrant(bench, upstreams, entrant);
      called.push(...results);
      const cells = results.map(({ measured }) => measured.cpuPerRequest.toFixed(0)).join(' ');
      print(`${name}: ${entrant.name}: ${cells} µs per call`);
    }
    if (has('concurrency')) {
      const atOnce = await measureConcurrency(bench, upstreams.instant);
      concurrency.push(atOnce);
      print(
        `${name}: ${atOnce.accepted} of ${atOnce.sent} concurrent calls accepted, ${atOnce.replaysRun} replays ran`,
      );
    }
  }
  return {
    ...(has('verification') ? { verification: verifierFigures(verified) } : {}),
    ...(has('calls')
      ? {
          calls: cellFigures(called),
          firstCall: spread(await measureFirstCalls(bench, upstreams.instant)),
        }
      : {}),
    ...(has('concurrency') ? { concurrency } : {}),
  };
};
