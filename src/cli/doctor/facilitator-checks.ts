import { nowSeconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { openCdpTokens } from '../../settlement/backends/cdp-token.ts';
import { supportedUrl } from '../../settlement/backends/facilitator-api.ts';
import { verifyUrl } from '../../settlement/backends/facilitator-api.ts';
import { type Check, doubtful, hostOf, wrong } from '../lib/check.ts';
import { facilitatorCheck } from '../lib/service-checks.ts';
import { boundPaymentCheck } from './bound-payment-check.ts';
import type { AskedFacilitator, Subject } from './config-check.ts';

/** What each facilitator settles of the networks that it is there for, and whether it takes bound payments on each. */
export const facilitatorChecks = async (
  { facilitators, chains, cdpKey }: Subject,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const networks = [...new Set(chains.map(({ network }) => network))];
  const checks = await Promise.all(
    facilitators.map(async (facilitator): Promise<readonly Check[]> => {
      const { url } = facilitator;
      const own = facilitator.networks ?? networks;
      const list = await headersFor(facilitator, cdpKey, 'GET', supportedUrl(url));
      const verify = await headersFor(facilitator, cdpKey, 'POST', verifyUrl(url));
      if (!list.ok) return [list.error];
      if (!verify.ok) return [verify.error];
      return await Promise.all([
        facilitatorCheck(url, own, signal, list.value),
        ...own.map(async (on) => boundPaymentCheck(url, on, verify.value)),
      ]);
    }),
  );
  return checks.flat();
};

/** The headers that authorize one request, or the check that says why there are none. */
const headersFor = async (
  { url, auth }: AskedFacilitator,
  cdpKey: Subject['cdpKey'],
  method: 'GET' | 'POST',
  asked: string,
): Promise<Result<Readonly<Record<string, string>>, Check>> => {
  if (auth === 'none') return ok({});
  if (cdpKey === undefined) {
    const says = `${hostOf(url)} is not asked without CDP_API_KEY_SECRET`;
    return err(doubtful('facilitator', says, 'Put it into .dev.vars to have it looked at.'));
  }
  const opened = await openCdpTokens(cdpKey);
  if (!opened.ok) {
    const hint = 'Copy it again as the portal of CDP shows it.';
    return err(wrong('CDP_API_KEY_SECRET', opened.error, hint));
  }
  const token = await opened.value.token(method, asked, nowSeconds());
  return ok({ authorization: `Bearer ${token}` });
};
