import type { Fault } from './options.ts';

/** What the Worker is told of a run, by the module that it is started with. */
export type WorkerOptions = { readonly seed: number; readonly faults: readonly Fault[] };
