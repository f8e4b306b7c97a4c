import { ENTRANTS, measureEntrant, type Result } from './calls.ts';
import { type Concurrency, measureConcurrency } from './concurrency.ts';
import type { Options } from './options.ts';
import { cellFigures, type Measured, verifierFigures } from './results.ts';
import type { Bench, Upstream } from './subject.ts';
import { measureVerifier, signMessages, type Verification, VERIFIERS } from './verification.ts';

/** Upstreams whose facilitator answers at once, and late. */
export type Upstreams = Readonly<Record<'instant' | 'slow', Upstream>>;

/** The list from another place on each round: nobody is always the first. */
const turned = <T>(list: readonly T[], round: number): readonly T[] => {
  const start = round % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
};

/** Countersign and its peers in rounds, a fresh process for each subject of each. */
export const measureCompared = async (
  bench: Bench,
  upstreams: Upstreams,
  { rounds, has }: Pick<Options, 'rounds' | 'has'>,
  say: (line: string) => void,
): Promise<Partial<Measured>> => {
  const messages = signMessages();
  const verified: Verification[] = [];
  const called: Result[] = [];
  const concurrency: Concurrency[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `round ${round + 1} of ${rounds}`;
    for (const verifier of has('verification') ? turned(VERIFIERS, round) : []) {
      const figures = await measureVerifier(bench, verifier, messages);
      verified.push(figures);
      say(
        `${name}: ${verifier.name}: ${figures.hotMany.toFixed(0)} µs hot, ${figures.first.toFixed(0)} µs first`,
      );
    }
    for (const entrant of has('calls') ? turned(ENTRANTS, round) : []) {
      const results = await measureEntrant(bench, upstreams, entrant);
      called.push(...results);
      const cells = results.map(({ measured }) => measured.cpuPerRequest.toFixed(0)).join(' ');
      say(`${name}: ${entrant.name}: ${cells} µs a call`);
    }
    if (has('concurrency')) {
      const atOnce = await measureConcurrency(bench, upstreams.instant);
      concurrency.push(atOnce);
      say(`${name}: ${atOnce.accepted} of ${atOnce.sent} at once, ${atOnce.replaysRun} ran again`);
    }
  }
  return {
    ...(has('verification') ? { verification: verifierFigures(verified) } : {}),
    ...(has('calls') ? { calls: cellFigures(called) } : {}),
    ...(has('concurrency') ? { concurrency } : {}),
  };
};
