import { inject } from 'vitest';
import type { GatewayOptions } from '../../dev/stack/gateway.ts';

type Chosen = Pick<GatewayOptions, 'entry' | 'toolsFile'>;

/** Selects what a gateway runs: the Worker built for this run, unless the test passes an entry module or a tools file. */
export const workerOf = (options: Chosen): Chosen =>
  options.entry === undefined && options.toolsFile === undefined
    ? { entry: inject('worker') }
    : options;
