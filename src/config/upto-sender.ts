import type { Tool } from '../catalog/tool.ts';
import type { Address } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { BackendSettings } from '../settlement/backends/registry.ts';

/**
 * The account whose transactions settle `upto` payments on a network: the relayer's first key, or else the sender of the first facilitator
 * that has one; undefined if the network has neither. A permit names its sender, so no other backend can settle it. The sender is configured
 * instead of read from `/supported`, so that every isolate offers and accepts the same one.
 */
export const uptoSenderOf = (
  { relayers, facilitators }: Pick<BackendSettings, 'relayers' | 'facilitators'>,
  network: Network,
): Address | undefined =>
  relayers.get(network)?.addresses[0] ??
  facilitators.find(
    ({ uptoSender, networks }) => uptoSender !== undefined && (networks?.includes(network) ?? true),
  )?.uptoSender;

/** Returns faults of tools without an offer: they refuse `exact`, and no network has a sender of `upto`. Reads prices as in tools.json. */
export const uptoFaults = (
  tools: readonly Pick<Tool, 'meteredPrice'>[],
  networks: readonly Network[],
  backends: Pick<BackendSettings, 'relayers' | 'facilitators'>,
): readonly FieldFault[] =>
  networks.some((network) => uptoSenderOf(backends, network) !== undefined)
    ? []
    : tools.flatMap(({ meteredPrice }, at) =>
        meteredPrice?.['exact'] === false
          ? { field: `tools[${at}].price.exact`, reason: NOTHING_TO_OFFER }
          : [],
      );

const NOTHING_TO_OFFER =
  'may be false only with a relayer, or with a facilitator that has an uptoSender: otherwise no payment could pay for the tool';
