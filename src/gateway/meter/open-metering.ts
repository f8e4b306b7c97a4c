import { err, ok, type Result } from '../../core/result.ts';
import { nativeSha256 } from '../../crypto/native-crypto.ts';
import type { Meter } from '../../protocol/meter/meter.ts';
import type { PaidRequest, PaidRequestWithBody, ReceivedRequest } from '../paid-request.ts';
import { folded, readParams } from '../params.ts';
import { withIncludeUsage } from './include-usage.ts';
import { ratesOfCall, type RatesFault } from './rates-of-call.ts';

/**
 * Finds the rates of a call before anything is reserved, and adds to its body the option that makes the upstream report usage. The digests
 * of the request stay those of the body that the caller signed. A separate request for the upstream (`paramsIn`) already has the option.
 */
export const openMetering = (
  meter: Meter,
  { tool, paramsIn }: Pick<PaidRequest, 'tool' | 'paramsIn'>,
  received: ReceivedRequest,
): Result<Omit<PaidRequestWithBody, keyof PaidRequest>, RatesFault> => {
  const request = paramsIn ?? received;
  const hidden = hiddenUsage(meter, request.target);
  if (hidden !== undefined) return err(hidden);
  const rates = ratesOfCall(meter, readParams(tool, request));
  if (!rates.ok) return rates;
  const metering = { meter, rates: rates.value };
  if (meter.includeUsage !== true || paramsIn !== undefined || received.body === undefined) {
    return ok({ received, metering });
  }
  const asking = withIncludeUsage(received.body);
  if (!asking.ok) return asking;
  const { value: body } = asking;
  return ok({ received, sent: { ...received, body, payloadDigest: nativeSha256(body) }, metering });
};

/** Where Google's APIs report usage, and their parameter that chooses the members of an answer. */
const GOOGLE_USAGE = '/usageMetadata';
const MEMBERS = ['fields', '$fields'];

/** Attack: a caller leaves out `thoughtsTokenCount`, and pays for no thinking. */
const hiddenUsage = ({ usage }: Meter, target: string): RatesFault | undefined => {
  if (usage.from !== 'answer') return undefined;
  if (usage.answer !== GOOGLE_USAGE && !usage.events.includes(GOOGLE_USAGE)) return undefined;
  const [, search = ''] = /\?(.*)$/s.exec(target) ?? [];
  const name = [...new URLSearchParams(search).keys()].find((key) =>
    MEMBERS.includes(folded(key).toLowerCase()),
  );
  return name === undefined
    ? undefined
    : {
        field: name.slice(0, 64),
        hint: 'must be absent: the price depends on the usage in the answer',
      };
};
