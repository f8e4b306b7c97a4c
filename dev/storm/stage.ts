import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FacilitatorProcess, startFacilitatorProcess } from '../stack/facilitator-process.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import type { StormOptions } from './options.ts';
import { TOOLS } from './sold.ts';
import { type RecordingUpstream, startRecordingUpstream } from './upstream.ts';

/** The parts of a storm: a stack whose facilitator is a process of its own, and whose upstream records every run. */
export type Stage = {
  readonly stack: Stack;
  /** State directory of the gateway. */
  readonly directory: string;
  readonly facilitator: FacilitatorProcess;
  readonly upstream: RecordingUpstream;
  readonly stop: () => Promise<void>;
};

/** Where the upstream records its runs, below the directory of a storm. */
export const RUNS_FILE = 'upstream.ndjson';

/** Requests per ten seconds that the rate limit lets through: all callers share one address. */
const NO_SHIELD = 1_000_000;

/** Starts everything on free ports. */
export const startStage = async (
  { out, entry }: Pick<StormOptions, 'out' | 'entry'>,
  directory: string,
  onProgress: (part: string, where: string, milliseconds: number) => void,
): Promise<Stage> => {
  await mkdir(join(directory, '.dev'), { recursive: true });
  const toolsFile = join(directory, 'tools.json');
  await writeFile(toolsFile, JSON.stringify(TOOLS));
  const isBuilt = entry?.endsWith('.js') === true;
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const upstream = await startRecordingUpstream(join(out, RUNS_FILE));
  let facilitator: FacilitatorProcess | undefined;
  const stopOthers = async (): Promise<void> => {
    await Promise.all([upstream.stop(), facilitator?.stop()]);
  };
  try {
    const stack = await startStack({
      persistTo: directory,
      // The `countersign` command looks for the keys of the stack there.
      file: join(directory, '.dev/stack.json'),
      // A built entry has its tools.
      ...(isBuilt ? {} : { toolsFile }),
      shield: NO_SHIELD,
      onProgress,
      ...(entry === undefined ? {} : { entry }),
      wire: async ({ rpc }) => {
        facilitator = await startFacilitatorProcess(rpc);
        return { rpc, facilitators: [facilitator.url], upstream: upstream.url };
      },
    });
    if (facilitator === undefined) throw new Error('the facilitator did not start');
    return {
      stack,
      directory,
      facilitator,
      upstream,
      stop: async () => {
        await stack.stop();
        await stopOthers();
      },
    };
  } catch (error) {
    await stopOthers();
    throw error;
  }
};
