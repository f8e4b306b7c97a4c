/** The components that may fail in a run. */
export const FAULTS = ['facilitator', 'node', 'chain', 'queue', 'worker', 'payer'] as const;
export type Fault = (typeof FAULTS)[number];

/** Options of the Worker, which its entry module contains. */
export type WorkerOptions = { readonly seed: number; readonly faults: readonly Fault[] };

/** Options of a run. */
export type ChaosOptions = {
  /** Payments that the gateway must accept before the run ends. */
  readonly payments: number;
  readonly payers: number;
  readonly seed: number;
  readonly faults: ReadonlySet<Fault>;
  /** Whether the operator's relayer takes part. */
  readonly relayer: boolean;
  /** Prints a line of progress. */
  readonly print: (line: string) => void;
};
