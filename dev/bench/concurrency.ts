import { bound, batchSettlement, type Contender, type Open } from './contenders.ts';
import { run } from './load.ts';
import type { Bench, Upstream } from './subject.ts';

/** Result of concurrent calls of one agent. */
export type Concurrency = {
  readonly sent: number;
  readonly accepted: number;
  /** How many ran again when each call was repeated. */
  readonly replaysRun: number;
  readonly peerAccepted: number;
};

const AT_ONCE = 64;

const lanesOf = (requests: readonly Buffer[]) => requests.map((request) => [request]);

/** Reads how often the tool has run. */
const runsOf = async ({ url }: Upstream): Promise<number> =>
  (await (await fetch(`${url}/runs`)).json()) as number;

const sendAtOnce = async (
  { subject }: Contender,
  made: readonly Buffer[],
  upstream: Upstream,
): Promise<{ readonly accepted: number; readonly runs: number }> => {
  const before = await runsOf(upstream);
  const { statuses } = await run(subject.port, lanesOf(made), subject);
  return { accepted: statuses['200'] ?? 0, runs: (await runsOf(upstream)) - before };
};

const inFreshProcess = async <T>(
  open: Open,
  bench: Bench,
  upstream: Upstream,
  measure: (contender: Contender) => Promise<T>,
): Promise<T> => {
  const contender = await open(bench, upstream);
  try {
    return await measure(contender);
  } finally {
    await contender.subject.stop();
  }
};

/** Sends 64 calls of one agent at once, then all of them again; the same to batch-settlement. */
export const measureConcurrency = async (
  bench: Bench,
  upstream: Upstream,
): Promise<Concurrency> => {
  const ours = await inFreshProcess(bound, bench, upstream, async (contender) => {
    const made = await contender.requests(1, AT_ONCE);
    const first = await sendAtOnce(contender, made, upstream);
    if (first.runs !== first.accepted)
      throw new Error('The number of runs differs from the number of accepted calls.');
    const again = await sendAtOnce(contender, made, upstream);
    return { accepted: first.accepted, replaysRun: again.runs };
  });
  const peer = await inFreshProcess(batchSettlement, bench, upstream, async (contender) =>
    sendAtOnce(contender, await contender.requests(1, AT_ONCE), upstream),
  );
  return { sent: AT_ONCE, ...ours, peerAccepted: peer.accepted };
};
