/**
 * Opens spans of the platform's tracing. An invocation that is not traced pays for one question to the platform, and loads no code: table
 * and recorder load with the first traced one. The source is set by the entry of a Worker, because this module also runs outside Workers,
 * where it records nothing.
 */
import type { OpenSpan, RecordedTrace, TracingSource } from './recorded-trace.ts';
import type { SpanName } from './table.ts';

/** The trace of an invocation; undefined if it is not traced. */
export type Trace = RecordedTrace | undefined;

let source: TracingSource | undefined;

/** Sets the source of this Worker. */
export const useTracing = (platform: TracingSource): void => {
  source = platform;
};

/** The id of the trace that this invocation belongs to, 32 hex digits; undefined if it is not traced. */
export const activeTraceId = (): string | undefined => {
  const span = source?.getActiveSpan();
  return span?.isTraced === true ? span.spanContext().traceId : undefined;
};

/** Opens the trace of this invocation; undefined if it is not traced, or if the recorder could not be loaded. */
export const openTrace = (): Promise<Trace> | undefined => {
  const platform = source;
  return platform?.getActiveSpan()?.isTraced === true
    ? import('./recorded-trace.ts').then(
        ({ recordTrace }) => recordTrace(platform),
        () => undefined,
      )
    : undefined;
};

/** Runs a step in a span of its own, if its invocation is traced. */
export const inSpan = <T>(
  trace: Trace,
  name: SpanName,
  step: (span: OpenSpan | undefined) => T,
): T => (trace === undefined ? step(undefined) : trace.inSpan(name, step));

/** As `inSpan`, for a step that waits for others anyway and has no trace at hand. */
export const inActiveSpan = async <T>(
  name: SpanName,
  step: (span: OpenSpan | undefined) => Promise<T>,
): Promise<T> => inSpan(await openTrace(), name, step);
