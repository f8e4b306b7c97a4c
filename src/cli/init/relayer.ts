import { randomPrivateKey } from 'ox/Secp256k1';
import { readRelayerKeys, readRelayers } from '../../config/backend-settings.ts';
import type { Address } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import type { Network } from '../../protocol/account-id.ts';
import { addressOfPrivateKey } from '../../settlement/relayer/transaction.ts';
import type { ConfigFiles } from '../lib/config-files.ts';

/** The relayer of a new gateway, which settles payments that the facilitator cannot take at once. */
export type RelayerDraft = {
  /** Pays the gas: the operator sends ether there. */
  readonly address: Address;
  readonly variables: { readonly RELAYERS: string };
  readonly secrets: { readonly RELAYER_KEY: string };
};

/**
 * Drafts a relayer with the key in `.dev.vars`, or with a new one.
 *
 * @returns undefined if `RELAYERS` already has a relayer for the network: its settings are the operator's.
 */
export const draftRelayer = (
  { variables, secrets }: ConfigFiles,
  network: Network,
): RelayerDraft | undefined => {
  const present = readRelayers(variables['RELAYERS']?.trim() ?? '', 'local_stack');
  if (present.ok && present.value.has(network)) return undefined;
  const known = readRelayerKeys(secrets['RELAYER_KEY'] ?? '');
  const key = (known.ok ? known.value[0] : undefined) ?? randomPrivateKey();
  const address = addressOfPrivateKey(key);
  return {
    address,
    variables: {
      RELAYERS: JSON.stringify({ [network]: { addresses: [checksummed(address)], first: false } }),
    },
    secrets: { RELAYER_KEY: key },
  };
};
