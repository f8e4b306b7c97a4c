import * as z from 'zod/mini';
import type { ScreeningSettings } from '../config/screening-setting.ts';
import type { Address } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';
import { postJson } from '../settlement/post-json.ts';

/** The answer that `docs/screening.md` asks of a provider; everything else is no answer. */
const ANSWER = z.strictObject({ verdict: z.enum(['clear', 'listed']) });

const MAX_BYTES = 1_024;

/** The most questions that an isolate asks at once. A further one counts as unanswered: strangers must not queue behind a slow provider. */
const MOST_OPEN = 32;

/** Asks the provider about an address; undefined if it did not answer in the agreed form and time. Follows no redirect. */
export type Provider = (
  address: Address,
  network: Network,
) => Promise<'clear' | 'listed' | undefined>;

/** @param key the bearer token of SCREENING_KEY; empty for none. */
export const openProvider = (
  { name, url, timeoutMs }: NonNullable<ScreeningSettings['provider']>,
  key: string,
): Provider => {
  let open = 0;
  const unanswered = (cause: string): undefined => {
    console.error({ event: 'screening_unanswered', provider: name, cause });
  };
  return async (address, network) => {
    if (open >= MOST_OPEN) return unanswered(`${MOST_OPEN} questions are open`);
    open += 1;
    try {
      const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
      const options = { timeoutMs, maxBytes: MAX_BYTES, headers };
      const answer = await postJson(url, { address, network }, options);
      if (!answer.ok) return unanswered(answer.error.kind);
      if (answer.value.status !== 200) return unanswered(`status ${answer.value.status}`);
      const parsed = ANSWER.safeParse(answer.value.json);
      return parsed.success ? parsed.data.verdict : unanswered('not_an_answer');
    } finally {
      open -= 1;
    }
  };
};
