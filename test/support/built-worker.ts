import { inject } from 'vitest';
import type { GatewayOptions } from '../../dev/stack/gateway.ts';

type Chosen = Pick<GatewayOptions, 'entry' | 'toolsFile'>;

/** What a gateway runs: the built Worker, unless a test brings a module or tools of its own. */
export const workerOf = (options: Chosen): Chosen =>
  options.entry === undefined && options.toolsFile === undefined
    ? { entry: inject('worker') }
    : options;
