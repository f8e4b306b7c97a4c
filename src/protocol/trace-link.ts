const MARK = '{trace}';
const ID = /^(?!0{32})[0-9a-f]{32}$/;

/** Whether a text is the id of a trace: 32 lower-case hex digits, not all zero (W3C Trace Context). */
export const isTraceId = (text: unknown): text is string =>
  typeof text === 'string' && ID.test(text);

/**
 * The page of a trace: `TRACE_URL` with the id in place of `{trace}`. Undefined for anything but an id, because other text could change the
 * rest of the URL.
 */
export const traceLink = (template: string, trace: string): string | undefined =>
  isTraceId(trace) ? template.replace(MARK, trace) : undefined;
