import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startListening } from '../stack/listening.ts';
import { freePort, LOOPBACK, type RunningServer } from '../stack/loopback.ts';

/** A run of a tool, as the upstream saw it. */
export type Run = {
  /** Path of the request, which differs for every call. */
  readonly path: string;
  /** The call id that the gateway asserts. */
  readonly call: string;
};

/** An upstream that records every run before it answers. */
export type RecordingUpstream = RunningServer & { readonly runs: () => readonly Run[] };

/** Starts the upstream in a process of its own: in the process of a thousand callers it would answer too late. */
export const startRecordingUpstream = async (file: string): Promise<RecordingUpstream> => {
  const port = await freePort();
  const program = join(import.meta.dirname, 'upstream-program.ts');
  const { stop } = await startListening(program, port, [String(port), file]);
  const runs = (): readonly Run[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Run)
      : [];
  return { url: `http://${LOOPBACK}:${port}`, port, stop, runs };
};
