import { type Clock, type Seconds, SYSTEM_CLOCK } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Emit } from '../telemetry.ts';
import type { Backend, OpenContext } from './backend.ts';
import type { Alternatives } from './circuit.ts';
import { type FacilitatorSettings, openFacilitators } from './facilitator.ts';
import { type BackendHealth, openHealth } from './health.ts';
import { openRelayers, type RelayerOf, type RelayerSettings } from './relayer.ts';

/** The backends of one isolate. Opened once, shared by requests and queue. */
export type Backends = {
  /**
   * The backends to try now for the payments of a payer, or of any payer, in order. One that is due for a probe comes first and gets one
   * payment; paused ones are left out.
   *
   * @param sender the only account that can settle the payment; absent: any can.
   */
  for(network: Network, payer?: Address, sender?: Address): readonly Backend[];
  /** Whether every backend is paused and none is due for a probe: an upfront call would wait for nothing. */
  isDown(network: Network): boolean;
  /** When the first paused backend may be tried; undefined if one may be tried now. */
  probeAt(network: Network): Seconds | undefined;
  health(): readonly BackendHealth[];
  /**
   * Refreshes the lists of what the backends support, if that is due. Takes at most two seconds and never throws: run it concurrently with
   * an observation.
   */
  refresh(network: Network): Promise<void>;
};

/** The settings of every kind of backend. Those of a further kind are optional, so that configurations without it stay valid. */
export type BackendSettings = FacilitatorSettings & RelayerSettings;

export type BackendDeps = {
  readonly relayer: RelayerOf;
  readonly emit: Emit;
  readonly clock?: Clock;
};

/** Registers the kinds of backends: a new kind is opened here. */
const openAll = (
  settings: BackendSettings,
  context: OpenContext & BackendDeps,
): readonly Backend[] => [
  ...openFacilitators(settings, context),
  ...openRelayers(settings, context),
];

export const openBackends = (settings: BackendSettings, deps: BackendDeps): Backends => {
  const clock = deps.clock ?? SYSTEM_CLOCK;

  /** Keys of one relayer cannot replace each other: each has its own payers. */
  const alternativesTo = (network: Network, name: string): Alternatives => {
    const all = candidates(network);
    const isKey = all.some((one) => one.name === name && one.keepsPayments);
    const others = all.filter((one) => one.name !== name && !(isKey && one.keepsPayments));
    return others.some(({ health }) => health.isClosed()) ? 'others' : 'alone';
  };

  const backends = openAll(settings, {
    ...deps,
    clock,
    openHealth: (network, backend) =>
      openHealth(
        { network, backend },
        { clock, emit: deps.emit, alternatives: () => alternativesTo(network, backend) },
      ),
  }).toSorted((one, other) => one.rank - other.rank);
  const byNetwork = Map.groupBy(backends, ({ network }) => network);

  /**
   * The backends that support the network. If no list has the network, the lists are ignored: a rejected payment does no more harm than one
   * that was never presented.
   */
  const candidates = (network: Network): readonly Backend[] => {
    const all = byNetwork.get(network) ?? [];
    const supporting = all.filter((backend) => backend.supportsNetwork());
    return supporting.length > 0 ? supporting : all;
  };

  return {
    for: (network, payer, sender) => {
      const all = candidates(network)
        .filter((backend) => payer === undefined || backend.takes(payer, sender))
        .map((backend) => ({ backend, availability: backend.health.availability() }));
      const probe = all.find(({ availability }) => availability === 'probe');
      const up = all.filter(({ availability }) => availability === 'up');
      return [...(probe === undefined ? [] : [probe]), ...up].map(({ backend }) => backend);
    },
    isDown: (network) =>
      candidates(network).every(({ health }) => health.availability() === 'down'),
    probeAt: (network) => {
      const times = candidates(network).map(({ health }) => health.until());
      return times.reduce(
        (first, time) =>
          first === undefined || time === undefined ? undefined : Math.min(first, time),
        times[0],
      );
    },
    health: () => backends.map(({ health }) => health.report()),
    refresh: async (network) => {
      const all = byNetwork.get(network) ?? [];
      // With one backend there is nothing to choose.
      if (all.length < 2) return;
      await Promise.all(all.map(async (backend) => backend.refresh()));
    },
  };
};
