/** The script of the verifier's worker: `countersign/verify` over one job, off the page's thread. */
import { type LogFile, verify } from '../../audit/verify/index.ts';
import type { VerifierJob, VerifierMessage } from './verifier-job.ts';

const fileOf = (name: string, blob: Blob): LogFile => ({
  name,
  size: blob.size,
  open: async function* () {
    const reader = blob.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  },
});

const send = (message: VerifierMessage): void => globalThis.postMessage(message);

/** A page needs no more reports of progress than it can draw. */
const PROGRESS_MS = 100;

const run = async ({ entries, texts, listed, log, receipts }: VerifierJob): Promise<void> => {
  let last = 0;
  const report = await verify(
    {
      entries: entries.map(({ name, blob }) => fileOf(name, blob)),
      ...(texts === undefined ? {} : { texts: fileOf('texts.ndjson', texts) }),
      ...(listed === undefined ? {} : { listed }),
      ...(log === undefined
        ? {}
        : {
            log: {
              years: [
                {
                  leaves: fileOf('leaves.ndjson', log.leaves),
                  checkpoint: { name: 'checkpoint', text: log.checkpoint },
                },
              ],
              keys: [{ name: 'log-key', text: log.keys }],
            },
          }),
    },
    {
      ...(receipts === undefined
        ? {}
        : {
            receipts: {
              file: fileOf('receipts.txt', new Blob([receipts.text])),
              keys: { name: 'jwks.json', text: receipts.keys },
            },
          }),
      progress: (progress) => {
        if (performance.now() - last < PROGRESS_MS) return;
        last = performance.now();
        send({ kind: 'progress', progress });
      },
    },
  );
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
