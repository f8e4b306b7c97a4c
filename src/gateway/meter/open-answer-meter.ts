import type { AnswerMeter, MeteredAnswer } from './answer-meter.ts';
import { openCountingMeter } from './counting-meter.ts';
import { openReportingMeter, readHeaderUsage } from './reporting-meter.ts';

const EVENT_STREAM = /^\s*text\/event-stream\s*(?:;|$)/i;

/** Opens the meter of an answer with the status of a success. */
export const openAnswerMeter = (answer: MeteredAnswer): AnswerMeter => {
  const { headers, meter, rates } = answer;
  const isStream = EVENT_STREAM.test(headers.get('content-type') ?? '');
  switch (meter.usage.from) {
    case 'gateway':
      return openCountingMeter(answer, isStream);
    case 'answer':
      return openReportingMeter(meter.usage, rates, isStream);
    case 'header':
      return readHeaderUsage(meter.usage, rates, headers);
  }
};
