import { type LogFile, type Progress, type Report, verify } from '../../../audit/verify/index.ts';
import type { VerifierJob } from './verifier-job.ts';

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

/** Verifies an export in memory (docs/audit-format.md). */
export const verifyJob = async (
  { entries, texts, listed, log, receipts }: VerifierJob,
  progress: (progress: Progress) => void,
): Promise<Report> =>
  await verify(
    {
      entries: entries.map(({ name, blob }) => fileOf(name, blob)),
      ...(texts === undefined ? {} : { texts: fileOf('texts.ndjson', texts) }),
      ...(listed === undefined ? {} : { listed }),
      ...(log === undefined
        ? {}
        : {
            log: {
              years: log.years.map(({ year, leaves, checkpoint, heads }) => ({
                leaves: fileOf(`log/${year}/leaves.ndjson`, leaves),
                checkpoint: { name: `log/${year}/checkpoint`, text: checkpoint },
                ...(heads === undefined
                  ? {}
                  : { heads: fileOf(`log/${year}/heads.ndjson`, heads) }),
              })),
              keys: log.keys,
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
      progress,
    },
  );
