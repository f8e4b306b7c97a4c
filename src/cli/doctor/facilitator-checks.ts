import { nowSeconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { openCdpTokens } from '../../settlement/backends/cdp-token.ts';
import { supportedUrl } from '../../settlement/backends/supported.ts';
import { type Check, doubtful, hostOf, wrong } from '../check.ts';
import { facilitatorCheck } from '../service-checks.ts';
import type { AskedFacilitator, Subject } from './config-check.ts';

/** What each facilitator says it settles, of the networks that it is there for. */
export const facilitatorChecks = async (
  { facilitators, chains, cdpKey }: Subject,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const networks = [...new Set(chains.map(({ network }) => network))];
  return await Promise.all(
    facilitators.map(async (facilitator) => {
      const own = facilitator.networks ?? networks;
      const headers = await headersFor(facilitator, cdpKey);
      return headers.ok
        ? await facilitatorCheck(facilitator.url, own, signal, headers.value)
        : headers.error;
    }),
  );
};

/** What lets us in, or why nothing does. */
const headersFor = async (
  { url, auth }: AskedFacilitator,
  cdpKey: Subject['cdpKey'],
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
  const token = await opened.value.token('GET', supportedUrl(url), nowSeconds());
  return ok({ authorization: `Bearer ${token}` });
};
