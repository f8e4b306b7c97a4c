import type { CallTrace, StepResults } from './call-trace.ts';

/** Runs a step of a call, in a span of its name if the request is traced. An untraced request pays for one comparison. */
export const inStep = <
  Name extends keyof StepResults,
  T extends StepResults[Name] | Promise<StepResults[Name]>,
>(
  trace: CallTrace | undefined,
  name: Name,
  work: () => T,
  headers?: Headers,
): T => (trace === undefined ? work() : trace.step(name, work, headers));
