import { expect, it } from 'vitest';
import type { UsageFault } from '../../../../src/protocol/meter/metered-charge.ts';
import { usageFaultWords } from '../../../../src/protocol/meter/usage-fault-words.ts';

it.each<[UsageFault, string]>([
  [{ fault: 'not_whole', unit: 'input_tokens', got: '-1' }, 'input tokens as -1'],
  [{ fault: 'not_whole', unit: '', got: 'no object' }, 'usage as no object'],
  [{ fault: 'huge', unit: 'pages', got: '999' }, '999 pages'],
  [{ fault: 'shrinking', unit: 'output_tokens', before: 15, got: 7 }, '7 output tokens after 15'],
  [{ fault: 'duplicated', unit: '' }, 'usage twice'],
  [{ fault: 'conflicting', unit: 'cached_input_tokens' }, 'cached input tokens in two ways'],
])('words %j', (fault, text) => {
  expect(usageFaultWords(fault)).toContain(text);
});
