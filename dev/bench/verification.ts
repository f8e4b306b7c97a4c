import { agents, signTransfer } from './signing.ts';
import { median } from './statistics.ts';
import { type Bench, startWorker, type Subject } from './subject.ts';
import { people } from '../stack/people.ts';
import type { Address } from '../../src/core/hex.ts';

/** Compared verifiers. */
export const VERIFIERS = [
  { name: 'countersign', worker: 'verifyCountersign' },
  { name: 'viem verifyTypedData', worker: 'verifyViem' },
  { name: 'noble recover', worker: 'verifyNoble' },
] as const;

export type Verifier = (typeof VERIFIERS)[number];

/** Microseconds of CPU for one verification. */
export type Verification = {
  readonly verifier: Verifier['name'];
  /** Hot: messages of one signer, and of 256 signers in turn. */
  readonly hotOne: number;
  readonly hotMany: number;
  /** The first request of a fresh process minus an empty request; and the mean of the first hundred. */
  readonly first: number;
  readonly firstHundred: number;
};

const MESSAGES = 256;
const WARM_UP_MS = 1_200;
const SLOPES = 5;
/** Microseconds of CPU that one measurement of `slope` should take at least. */
const SLOPE_CPU = 120_000;

const ask = async ({ port }: Subject, count: number): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}/?n=${count}`);
  if (!answer.ok) throw new Error(await answer.text());
};

const cpuOfRequest = async (subject: Subject, count: number): Promise<number> => {
  const before = subject.cpu();
  await ask(subject, count);
  return subject.cpu() - before;
};

/** Signs transfers of a number of signers, as the Workers read them. */
const messages = (signers: number): string => {
  const all = agents(signers);
  const payTo = people.payTo.toLowerCase() as Address;
  return JSON.stringify(
    Array.from({ length: MESSAGES }, (_, at) => {
      const agent = all[at % signers];
      return agent === undefined ? undefined : signTransfer(agent, payTo);
    }),
  );
};

export type Messages = { readonly one: string; readonly many: string };

/** Signs the messages once: verification does not check times. */
export const signMessages = (): Messages => ({ one: messages(1), many: messages(MESSAGES) });

const give = async ({ port }: Subject, body: string): Promise<void> => {
  await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
};

/** Microseconds of CPU for one verification: a request for many minus a request for none, divided by the number of verifications. */
const slope = async (subject: Subject): Promise<number> => {
  const until = performance.now() + WARM_UP_MS;
  let each = 1_000;
  while (performance.now() < until) {
    each = (await cpuOfRequest(subject, 50)) / 50;
  }
  const count = Math.max(50, Math.ceil(SLOPE_CPU / each));
  const slopes: number[] = [];
  for (let made = 0; made < SLOPES; made += 1) {
    const none = await cpuOfRequest(subject, 0);
    slopes.push(((await cpuOfRequest(subject, count)) - none) / count);
  }
  return median(slopes);
};

const inFreshProcess = async <T>(
  bench: Bench,
  { worker }: Verifier,
  body: string,
  measure: (subject: Subject) => Promise<T>,
): Promise<T> => {
  const subject = await startWorker(bench, worker, {});
  try {
    await give(subject, body);
    return await measure(subject);
  } finally {
    await subject.stop();
  }
};

/** Measures the first verifications of an isolate, one in each request. */
const cold = async (subject: Subject): Promise<{ first: number; firstHundred: number }> => {
  // The first request includes the start-up of any Worker.
  await ask(subject, 0);
  const none = await cpuOfRequest(subject, 0);
  const first = (await cpuOfRequest(subject, 1)) - none;
  let sum = first;
  for (let call = 2; call <= 100; call += 1) sum += (await cpuOfRequest(subject, 1)) - none;
  return { first, firstHundred: sum / 100 };
};

/** Measures one round of a verifier, in three fresh processes. */
export const measureVerifier = async (
  bench: Bench,
  verifier: Verifier,
  { one, many }: Messages,
): Promise<Verification> => ({
  verifier: verifier.name,
  hotOne: await inFreshProcess(bench, verifier, one, slope),
  hotMany: await inFreshProcess(bench, verifier, many, slope),
  ...(await inFreshProcess(bench, verifier, one, cold)),
});
