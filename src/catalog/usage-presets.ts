import type { UsageSource } from '../protocol/meter/meter.ts';

/** A source that tools.json names by a word. The terms of a tool hold it in full, so that a change of a preset is a change of terms. */
export type UsagePreset = 'openai' | 'anthropic' | 'gemini' | 'counted';

/**
 * Where model providers report usage. `input_tokens` are all tokens of the input, those from a cache included, and `output_tokens` all of
 * the output, reasoning included.
 */
export const USAGE_PRESETS: Readonly<Record<UsagePreset, UsageSource>> = {
  /** Chat completions. A stream reports it only on request, in its last chunk. */
  openai: {
    from: 'answer',
    answer: '/usage',
    events: ['/usage'],
    units: {
      input_tokens: { pointers: ['/prompt_tokens'] },
      output_tokens: { pointers: ['/completion_tokens'] },
      cached_input_tokens: {
        pointers: ['/prompt_tokens_details/cached_tokens'],
        within: 'input_tokens',
      },
    },
    reports: 'final',
    end: { data: '[DONE]' },
  },
  /** Messages. The first event has the input, later ones the output so far. */
  anthropic: {
    from: 'answer',
    answer: '/usage',
    events: ['/usage', '/message/usage'],
    units: {
      input_tokens: {
        pointers: ['/input_tokens', '/cache_creation_input_tokens', '/cache_read_input_tokens'],
      },
      output_tokens: { pointers: ['/output_tokens'] },
      cached_input_tokens: { pointers: ['/cache_read_input_tokens'], within: 'input_tokens' },
      cache_write_tokens: { pointers: ['/cache_creation_input_tokens'], within: 'input_tokens' },
    },
    reports: 'cumulative',
    end: { event: 'message_stop' },
  },
  /** `generateContent` and `streamGenerateContent?alt=sse`. Each chunk has the usage so far, and none marks the end. */
  gemini: {
    from: 'answer',
    answer: '/usageMetadata',
    events: ['/usageMetadata'],
    units: {
      input_tokens: { pointers: ['/promptTokenCount'] },
      output_tokens: { pointers: ['/candidatesTokenCount', '/thoughtsTokenCount'] },
      cached_input_tokens: { pointers: ['/cachedContentTokenCount'], within: 'input_tokens' },
    },
    reports: 'cumulative',
  },
  counted: { from: 'gateway' },
};
