import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { CdpKey, Facilitator, RelayerSetting } from '../backend.ts';
import type { Observe } from '../telemetry.ts';
import { openAuthorize } from './authorize.ts';
import { type Backend, type BackendHealth, RELAYER } from './backend.ts';
import type { Company } from './circuit.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { type Authorize, facilitatorBackend } from './facilitator.ts';
import { type Health, openHealth } from './health.ts';
import { openLimiter } from './limiter.ts';
import { type AskRelayer, relayerBackend } from './relayer.ts';
import { readSupported, type Supported, supportedUrl } from './supported.ts';

/** Everybody who moves payments, as one isolate knows them. Opened once, shared by requests and queue. */
export type Backends = {
  /** Whom to ask now, in order. One whose pause is over comes first, and gets one payment; who is being left alone is not there. */
  for(network: Network): readonly Backend[];
  /** Nobody may be asked, and nobody is due to be tried: an upfront call would wait for nothing. */
  isDown(network: Network): boolean;
  /** When the first of those that are being left alone is due to be tried; undefined where somebody may be asked now. */
  probeAt(network: Network): Seconds | undefined;
  health(): readonly BackendHealth[];
  /** Reads what facilitators support, where that is due. Two seconds at most, never throws, best done beside a look at the chain. */
  refresh(network: Network): Promise<void>;
};

export type BackendSettings = {
  readonly networks: readonly Network[];
  /** In the order they are asked. */
  readonly facilitators: readonly Facilitator[];
  readonly relayers: ReadonlyMap<Network, RelayerSetting>;
  readonly cdpKey: CdpKey | undefined;
};

export type BackendDeps = {
  readonly relayer: AskRelayer;
  readonly observe: Observe;
  readonly clock?: Clock;
};

/** A backend on one network, with its health and, for a facilitator, the place of its list. */
type Entry = { readonly backend: Backend; readonly health: Health; readonly list?: List };

/** What a facilitator says it supports, where its setting does not say it. */
type List = {
  supported: Supported | undefined;
  /** Milliseconds of the clock until it is read again. */
  until: number;
  readonly read: () => Promise<Supported | undefined>;
};

const LIST_KEPT_MS = 600_000;
const FAILURE_KEPT_MS = 60_000;

export const openBackends = (settings: BackendSettings, deps: BackendDeps): Backends => {
  const clock = deps.clock ?? SYSTEM_CLOCK;
  const entries: ReadonlyMap<Network, readonly Entry[]> = entriesOf(settings, {
    ...deps,
    clock,
    company: (network, of) =>
      candidates(network).some(({ backend, health }) => backend.name !== of && health.isClosed())
        ? 'others'
        : 'alone',
  });

  /** Without those that say they do not settle here; but if nobody is left, lists are not believed: a refusal is no worse than silence. */
  const candidates = (network: Network): readonly Entry[] => {
    const all = entries.get(network) ?? [];
    const willing = all.filter(({ list }) => list?.supported?.has(network) ?? true);
    return willing.length > 0 ? willing : all;
  };

  return {
    for: (network) => {
      const standing = candidates(network).map(({ backend }) => ({
        backend,
        is: backend.standing(),
      }));
      const probe = standing.find(({ is }) => is === 'probe');
      const up = standing.filter(({ is }) => is === 'up').map(({ backend }) => backend);
      return probe === undefined ? up : [probe.backend, ...up];
    },
    isDown: (network) => candidates(network).every(({ health }) => health.standing() === 'down'),
    probeAt: (network) => {
      const times = candidates(network).map(({ health }) => health.until());
      return times.reduce(
        (first, time) =>
          first === undefined || time === undefined ? undefined : Math.min(first, time),
        times[0],
      );
    },
    health: () => [...entries.values()].flat().map(({ health }) => health.report()),
    refresh: async (network) => {
      const all = entries.get(network) ?? [];
      // Where there is only one, there is nothing to choose.
      if (all.length < 2) return;
      await Promise.all(
        all.map(async ({ list }) => {
          if (list === undefined || clock.now() < list.until) return;
          // Others of this isolate go on without waiting for it.
          list.until = clock.now() + FAILURE_KEPT_MS;
          list.supported = await list.read();
          if (list.supported !== undefined) list.until = clock.now() + LIST_KEPT_MS;
        }),
      );
    },
  };
};

type Opened = BackendDeps & {
  readonly clock: Clock;
  /** Whether somebody else may be asked. */
  readonly company: (network: Network, backend: string) => Company;
};

const entriesOf = (
  { networks, facilitators, relayers, cdpKey }: BackendSettings,
  deps: Opened,
): ReadonlyMap<Network, readonly Entry[]> => {
  const authorizeCdp = openAuthorize(cdpKey, deps.clock);
  const names = namesOf(facilitators);
  const opened = facilitators.map((facilitator, at) => {
    const authorize: Authorize = facilitator.auth === 'cdp' ? authorizeCdp : async () => ({});
    return {
      facilitator,
      name: names[at] ?? '',
      authorize,
      limiter: openLimiter(facilitator, deps.clock),
      list: facilitator.networks === undefined ? openList(facilitator.url, authorize) : undefined,
    };
  });
  const healthOf = (network: Network, backend: string): Health =>
    openHealth({ network, backend }, { ...deps, company: () => deps.company(network, backend) });
  const entryOf = (network: Network, one: (typeof opened)[number]): Entry => {
    const { facilitator, name, list, ...shared } = one;
    const { url, concurrency } = facilitator;
    const health = healthOf(network, name);
    const { clock, observe } = deps;
    const own = { ...shared, url, concurrency, health, clock, observe };
    const backend = facilitatorBackend(name, network, own);
    return { backend, health, ...(list === undefined ? {} : { list }) };
  };
  return new Map(
    networks.map((network) => {
      const own = opened
        .filter(({ facilitator }) => facilitator.networks?.includes(network) ?? true)
        .map((one) => entryOf(network, one));
      const relayer = relayers.get(network);
      if (relayer === undefined) return [network, own];
      const health = healthOf(network, RELAYER);
      const ours = { backend: relayerBackend(network, deps.relayer, health, deps), health };
      return [network, relayer.first ? [ours, ...own] : [...own, ours]];
    }),
  );
};

const openList = (url: string, authorize: Authorize): List => ({
  supported: undefined,
  until: 0,
  read: async () => {
    const headers = await authorize('GET', supportedUrl(url));
    return headers === undefined ? undefined : readSupported(url, headers);
  },
});

/** Hosts; of several at one host each further one is numbered, because a path may hold a key. */
const namesOf = (facilitators: readonly Facilitator[]): readonly string[] => {
  const seen = new Map<string, number>();
  return facilitators.map(({ url }) => {
    const { host } = new URL(url);
    const count = (seen.get(host) ?? 0) + 1;
    seen.set(host, count);
    return count === 1 ? host : `${host}#${count}`;
  });
};
