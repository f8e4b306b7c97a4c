/** The script of the verifier's worker: `countersign/verify` over one job, off the page's thread. */
import type { VerifierJob, VerifierMessage } from './verifier-job.ts';
import { verifyJob } from './verify-job.ts';

const send = (message: VerifierMessage): void => globalThis.postMessage(message);

/** A page needs no more reports of progress than it can draw. */
const PROGRESS_MS = 100;

const run = async (job: VerifierJob): Promise<void> => {
  let last = 0;
  const report = await verifyJob(job, (progress) => {
    if (performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    send({ kind: 'progress', progress });
  });
  send({ kind: 'report', report });
};

const answer = async (job: VerifierJob): Promise<void> => {
  try {
    await run(job);
  } catch (thrown) {
    // A rejection in a worker reaches no listener of the page: the page would wait forever.
    send({ kind: 'failed', why: String(thrown) });
  }
};

addEventListener('message', ({ data }: MessageEvent<VerifierJob>) => void answer(data));
// Race: the verifier's modules await WebAssembly, and a job that arrives meanwhile is lost.
send({ kind: 'ready' });
