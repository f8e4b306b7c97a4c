import * as z from 'zod/mini';
import type { Network } from '../../protocol/account-id.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { supportedUrl } from '../../settlement/backends/facilitator-api.ts';
import { type Check, failure, hostOf, passed, warning } from './check.ts';
import { httpGet } from './http-get.ts';

const kindSchema = z.looseObject({
  x402Version: z.number(),
  scheme: z.string(),
  network: z.string(),
});
const supportedSchema = z.looseObject({ kinds: z.array(kindSchema) });

/** Whether a facilitator settles x402 version 2, scheme `exact`, on each of these networks. */
export const facilitatorCheck = async (
  url: string,
  networks: readonly Network[],
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Check> => {
  const name = 'facilitator';
  const host = hostOf(url);
  const answer = await httpGet(supportedUrl(url), signal, headers);
  if (!answer.ok)
    return failure(name, `${host}: ${answer.error}`, 'Check FACILITATORS and your network.');
  const supported = supportedSchema.safeParse(answer.value.json);
  if (answer.value.status !== 200 || !supported.success) {
    return failure(
      name,
      `${host} answers ${answer.value.status} to /supported, without a list`,
      'Check the URL in FACILITATORS: the gateway adds /supported and /settle to it.',
    );
  }
  const missing = networks.filter(
    (on) =>
      !supported.data.kinds.some(
        ({ x402Version, scheme, network }) =>
          x402Version === 2 && scheme === 'exact' && network === on,
      ),
  );
  return missing.length === 0
    ? passed(name, `${host} settles on ${namesOf(networks)}`)
    : failure(
        name,
        `${host} does not settle on ${namesOf(missing)}`,
        'Add a facilitator that does to FACILITATORS.',
      );
};

const namesOf = (networks: readonly Network[]): string =>
  networks.map((on) => nameOfNetwork(on) ?? on).join(', ');

/** Whether the upstream answers at all, with any status. */
export const upstreamCheck = async (origin: string, signal: AbortSignal): Promise<Check> => {
  const answer = await httpGet(origin, signal);
  const host = hostOf(origin);
  return answer.ok
    ? passed('upstream', `${host} answers (${answer.value.status})`)
    : warning('upstream', `${host}: ${answer.error}`, 'Start it, or check UPSTREAM_URL.');
};
