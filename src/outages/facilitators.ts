import type { Config } from '../config/config.ts';
import { type Clock, type Seconds, SYSTEM_CLOCK } from '../core/clock.ts';
import type { Network } from '../protocol/account-id.ts';
import { openCdpAuthorize } from '../settlement/backends/cdp-authorize.ts';
import { type FacilitatorSettings, namesOf } from '../settlement/backends/facilitator.ts';
import { readSupported, supportedUrl } from '../settlement/backends/facilitator-api.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { Outage } from './record-outages.ts';

/** Isolates write the state of a circuit when it changes and while they use it, so an older row is out of date. */
const FRESH: Seconds = 600;

type Row = { readonly network: string; readonly backend: string; readonly error: string | null };

/**
 * Finds the backends that do not settle: facilitators that do not answer `/supported` (this detects an outage without a payment), and
 * backends whose recent payments failed (an open circuit). Kind `others`: another backend of the network works.
 *
 * @throws Error if the database does not answer
 */
export const backendOutages = async (
  db: D1Database,
  config: Config,
  backends: Pick<Backends, 'health'>,
  now: Seconds,
): Promise<readonly Outage[]> => {
  const networks = [...config.payees.keys()];
  const silent = await silentFacilitators({ ...config, networks }, SYSTEM_CLOCK);
  const { results } = await db
    .prepare(
      "SELECT network, backend, last_error AS error FROM backends WHERE state = 'open' AND at > ?1",
    )
    .bind(now - FRESH)
    .all<Row>();
  const all = backends.health();
  const failed = results.filter(({ network, backend }) =>
    // Ignore backends that are no longer configured.
    all.some((each) => each.network === network && each.backend === backend),
  );
  const away = new Map(
    [...failed, ...silent.map((each) => ({ ...each, error: 'no_answer' }))].map((each) => [
      `${each.network} ${each.backend}`,
      each,
    ]),
  );
  return [...away].map(([subject, { network, backend, error }]) => {
    const on = (each: { readonly network: string }): boolean => each.network === network;
    const kind = all.filter(on).length > [...away.values()].filter(on).length ? 'others' : 'alone';
    return { subject, detail: { network, backend, kind, error: error ?? 'unreachable' } };
  });
};

/** Finds the facilitators that do not answer `/supported` now, with each network that uses them. Waits at most two seconds for each. */
const silentFacilitators = async (
  { networks, facilitators, cdpKey }: FacilitatorSettings,
  clock: Clock,
): Promise<readonly { readonly network: Network; readonly backend: string }[]> => {
  const authorizeCdp = openCdpAuthorize(cdpKey, clock);
  const names = namesOf(facilitators);
  const silent: { readonly network: Network; readonly backend: string }[] = [];
  for (const [at, { url, auth, networks: own = networks }] of facilitators.entries()) {
    const headers = auth === 'cdp' ? await authorizeCdp('GET', supportedUrl(url)) : {};
    if (headers !== undefined && (await readSupported(url, headers)) !== undefined) continue;
    const used = networks.filter((network) => own.includes(network));
    silent.push(...used.map((network) => ({ network, backend: names[at] ?? '' })));
  }
  return silent;
};
