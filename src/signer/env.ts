import type { KeyBackendSettings } from './backends/key-backend.ts';
import type { KeyringRpc } from './keyring-contract.ts';

/** A Worker secret, or a binding of the Secrets Store. */
type KeySource = string | { readonly get: () => Promise<string> };

/**
 * Bindings and settings of the signer Worker (`wrangler.signer.toml`). It shares nothing with the gateway: no binding of the gateway leads
 * to a keyring, so an attacker who takes over the gateway cannot sign.
 */
export type SignerEnv = KeyBackendSettings & {
  readonly KEYRING: { readonly getByName: (owner: string) => KeyringRpc };
  /** `eu`, `us`, `fedramp`, or empty (docs/region.md). */
  readonly JURISDICTION?: string;
  readonly AUDIT_DB: D1Database;
  readonly AUDIT_QUEUE: Pick<Queue, 'send'>;
  /** The origin that agents and owners sign for; never taken from the Host header. */
  readonly SIGNER_ORIGIN: string;
  /** Addresses of owners, comma-separated. Empty: no account may enrol agents. */
  readonly OWNERS: string;
  readonly SIGNER_KEY?: KeySource;
  readonly SIGNER_KEY_OLD?: KeySource;
  readonly [name: string]: unknown;
};
