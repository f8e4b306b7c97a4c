import type { Clock } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Backend, OpenContext } from './backend.ts';
import { type Authorize, openCdpAuthorize } from './cdp-authorize.ts';
import type { CdpKey } from './cdp-token.ts';
import type { Supported } from './facilitator-api.ts';
import { openLimiter } from './limiter.ts';

/** An x402 facilitator as `FACILITATORS` configures it. */
export type Facilitator = {
  /** Base URL, to which `/settle` and `/supported` are appended. */
  readonly url: string;
  /** Networks for which it is used; absent: those that its `/supported` lists. */
  readonly networks?: readonly Network[];
  /** `cdp`: each request carries a short-lived JWT signed with `CDP_API_KEY_SECRET`. */
  readonly auth: 'none' | 'cdp';
  /** Requests at once, per isolate. */
  readonly concurrency: number;
  /** Requests a second, per isolate; absent: no limit but `concurrency`. */
  readonly perSecond?: number;
  /** The fee per transaction, in atomic units of the token. Only the ledger totals use it. */
  readonly fee: bigint;
  /** The account that sends its transactions of the scheme `upto`, from its `/supported`; absent: it gets no such payments. */
  readonly uptoSender?: Address;
};

export type FacilitatorSettings = {
  readonly networks: readonly Network[];
  /** In the order in which they are tried. */
  readonly facilitators: readonly Facilitator[];
  readonly cdpKey: CdpKey | undefined;
};

/** A facilitator's rank: after a relayer with `"first": true`, before every other relayer. */
const RANK = 1;
/** Opens a backend for each facilitator and network that it is used for. */
export const openFacilitators = (
  { networks, facilitators, cdpKey }: FacilitatorSettings,
  { clock, emit, openHealth }: OpenContext,
): readonly Backend[] => {
  const authorizeCdp = openCdpAuthorize(cdpKey, clock);
  const names = namesOf(facilitators);
  return facilitators.flatMap((facilitator, at) => {
    const { url, concurrency, auth } = facilitator;
    const name = names[at] ?? '';
    const authorize: Authorize = auth === 'cdp' ? authorizeCdp : async () => ({});
    // One limiter and one list for all networks of the facilitator.
    const limiter = openLimiter(facilitator, clock);
    const list = openSupportList(url, authorize, clock);
    const own = networks.filter((network) => facilitator.networks?.includes(network) ?? true);
    return own.map((network): Backend => {
      const health = openHealth(network, name);
      const context = { name, network, url, concurrency, authorize, limiter, health, clock, emit };
      return {
        name,
        network,
        rank: RANK,
        width: concurrency,
        usesConnections: true,
        keepsPayments: false,
        health,
        takes: (_, sender) => sender === undefined || sender === facilitator.uptoSender,
        supportsNetwork: () => facilitator.networks !== undefined || list.has(network),
        refresh: async () => (facilitator.networks === undefined ? list.refresh() : undefined),
        // The code loads with the first payment that is presented.
        present: async (payments, options) =>
          (await import('./present-to-facilitator.ts')).presentEach(context, payments, options),
      };
    });
  });
};

const LIST_KEPT_MS = 600_000;
const FAILURE_KEPT_MS = 60_000;

/** The networks in a facilitator's `/supported`. Until the list has been read, every network counts as supported. */
const openSupportList = (url: string, authorize: Authorize, clock: Clock) => {
  let supported: Supported | undefined;
  let until = 0;
  return {
    has: (network: Network): boolean => supported?.has(network) ?? true,
    refresh: async (): Promise<void> => {
      if (clock.now() < until) return;
      // Set before the request: other requests of this isolate continue without waiting for it.
      until = clock.now() + FAILURE_KEPT_MS;
      const { readSupported, supportedUrl } = await import('./facilitator-api.ts');
      const headers = await authorize('GET', supportedUrl(url));
      supported = headers === undefined ? undefined : await readSupported(url, headers);
      if (supported !== undefined) until = clock.now() + LIST_KEPT_MS;
    },
  };
};

/** Names facilitators by host. Several at one host are numbered, because a path may contain a key. */
export const namesOf = (facilitators: readonly Facilitator[]): readonly string[] => {
  const counts = new Map<string, number>();
  return facilitators.map(({ url }) => {
    const { host } = new URL(url);
    const count = (counts.get(host) ?? 0) + 1;
    counts.set(host, count);
    return count === 1 ? host : `${host}#${count}`;
  });
};
