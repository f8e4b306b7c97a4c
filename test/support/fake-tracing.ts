import type { TracingSource } from '../../src/tracing/recorded-trace.ts';

/** A span that a fake platform recorded. */
export type FakeSpan = {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly isFailed: boolean;
  readonly hasEnded: boolean;
};

export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
export const SPAN_ID = '00f067aa0ba902b7';

/** The platform's tracing in memory. `questions` counts how often the active span was asked for. */
export const fakeTracing = (
  isTraced: boolean,
): TracingSource & { readonly spans: readonly FakeSpan[]; readonly questions: () => number } => {
  const spans: { -readonly [Key in keyof FakeSpan]: FakeSpan[Key] }[] = [];
  let questions = 0;
  const context = { traceId: TRACE_ID, spanId: SPAN_ID };
  return {
    spans,
    questions: () => questions,
    getActiveSpan: () => {
      questions += 1;
      return {
        ...{ isTraced, spanContext: () => context },
        setAttribute: () => undefined,
        setStatus: () => undefined,
      };
    },
    enterSpan: (name, step) => {
      const span: (typeof spans)[number] = {
        ...{ name, attributes: {}, isFailed: false, hasEnded: false },
      };
      spans.push(span);
      const result = step({
        ...{ isTraced, spanContext: () => context },
        setAttribute: (key, value) => void (span.attributes[key] = value),
        setStatus: () => void (span.isFailed = true),
      });
      const end = () => void (span.hasEnded = true);
      if (result instanceof Promise) void result.then(end, end);
      else end();
      return result;
    },
  };
};
