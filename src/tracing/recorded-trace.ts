import { type Attributes, FORMS, type SpanName } from './table.ts';

/** The parts of the platform's `Span` that are used. Declared here, because the commands also compile this, without the types of Workers. */
export type PlatformSpan = {
  readonly isTraced: boolean;
  spanContext(): { readonly traceId: string; readonly spanId: string };
  setAttribute(name: string, value: string | number): unknown;
  setStatus(status: { readonly code: 'error' }): void;
};

/** The platform's tracing: `tracing` of `cloudflare:workers`. */
export type TracingSource = {
  enterSpan<T>(name: string, step: (span: PlatformSpan) => T): T;
  getActiveSpan(): PlatformSpan | undefined;
};

/** A span that is open. */
export type OpenSpan = {
  /** Sets attributes of the table. Drops a value whose form the table does not allow. */
  readonly set: (attributes: Attributes) => void;
};

/** The trace of an invocation that the platform records. */
export type RecordedTrace = {
  /** 32 hex digits. */
  readonly id: string;
  /** Returns `traceparent` for a request that the active span sends (W3C Trace Context, version 00). */
  readonly traceparent: () => string | undefined;
  /** Runs a step in a span. The span ends with the step, also if it throws. */
  readonly inSpan: <T>(name: SpanName, step: (span: OpenSpan) => T) => T;
};

/** Records into the active span of the platform. Tracing never fails a call: an attribute that is not allowed is left out. */
export const recordTrace = (tracing: TracingSource): RecordedTrace => ({
  id: tracing.getActiveSpan()?.spanContext().traceId ?? '',
  traceparent: () => {
    const context = tracing.getActiveSpan()?.spanContext();
    // The flag `sampled`: this trace is recorded. The platform's own `traceFlags` are 0 all the same.
    return context && `00-${context.traceId}-${context.spanId}-01`;
  },
  inSpan: (name, step) => tracing.enterSpan(name, (span) => step(openSpan(span))),
});

const openSpan = (span: Pick<PlatformSpan, 'setAttribute' | 'setStatus'>): OpenSpan => ({
  set: (attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (isAllowed(name, value)) span.setAttribute(name, value);
    }
    if (attributes['error.type'] !== undefined) span.setStatus({ code: 'error' });
  },
});

/** Types do not hold for what other systems answered, so the form decides. */
const isAllowed = (name: string, value: unknown): value is string | number =>
  Object.hasOwn(FORMS, name) &&
  (typeof value === 'string' || typeof value === 'number') &&
  FORMS[name as keyof Attributes].test(String(value));
