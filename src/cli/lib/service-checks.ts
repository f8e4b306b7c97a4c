import * as z from 'zod/mini';
import type { Network } from '../../protocol/account-id.ts';
import { supportedUrl } from '../../settlement/backends/facilitator-api.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { type Check, doubtful, hostOf, passed, wrong } from './check.ts';
import { httpGet } from './http-get.ts';

const kind = z.looseObject({
  x402Version: z.number(),
  scheme: z.string(),
  network: z.string(),
});
const supportedSchema = z.looseObject({ kinds: z.array(kind) });

/** Whether a facilitator settles what the gateway will send it: x402 version 2, `exact`, on each of its networks. */
export const facilitatorCheck = async (
  url: string,
  networks: readonly Network[],
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Check> => {
  const name = 'facilitator';
  const host = hostOf(url);
  const got = await httpGet(supportedUrl(url), signal, headers);
  if (!got.ok) {
    return wrong(
      name,
      `${host}: ${got.error}`,
      'Check FACILITATORS, and the network of this machine.',
    );
  }
  const supported = supportedSchema.safeParse(got.value.json);
  if (got.value.status !== 200 || !supported.success) {
    return wrong(
      name,
      `${host} answers ${got.value.status} to /supported, without a list`,
      'Check the URL in FACILITATORS: /supported and /settle are added to it.',
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
    ? passed(name, `${host} settles on ${networks.map((on) => nameOfNetwork(on) ?? on).join(', ')}`)
    : wrong(
        name,
        `${host} does not settle on ${missing.map((on) => nameOfNetwork(on) ?? on).join(', ')}`,
        'Put a facilitator that does into FACILITATORS.',
      );
};

/** Whether the upstream answers at all. What it answers is its own business. */
export const upstreamCheck = async (origin: string, signal: AbortSignal): Promise<Check> => {
  const name = 'upstream';
  const got = await httpGet(origin, signal);
  if (!got.ok) {
    return doubtful(name, `${hostOf(origin)}: ${got.error}`, 'Start it, or check UPSTREAM_URL.');
  }
  return passed(name, `${hostOf(origin)} answers (${got.value.status})`);
};
