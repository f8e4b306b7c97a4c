import { readScreening } from '../../config/screening-setting.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { type Check, failure } from '../lib/checks.ts';

/** Checks the setting of the screening. The gateway refuses every call that needs a verdict while it is faulty. */
export const screeningSettingChecks = (
  text: string,
  reach: EgressReach,
  hasBucket: boolean,
): readonly Check[] => {
  const read = readScreening(text, reach);
  if (!read.ok) {
    const hint = 'Correct it in wrangler.toml: docs/screening.md has an example.';
    return read.error.map((reason) => failure('SCREENING', reason, hint));
  }
  const lists = read.value?.lists ?? [];
  if (lists.length === 0 || hasBucket) return [];
  return [
    failure(
      'SCREENING',
      `names the list ${lists[0]}, and there is no R2 bucket that could have it`,
      'Add [[r2_buckets]] with binding = "AUDIT_ARCHIVE" and a bucket_name to wrangler.toml.',
    ),
  ];
};
