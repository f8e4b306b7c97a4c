import type { Fault } from './orders.ts';

/** What the Worker is told of a run, by the module that it is started with. */
export type WorkerOrders = { readonly seed: number; readonly faults: readonly Fault[] };
