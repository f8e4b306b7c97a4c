import { randomBytes } from 'node:crypto';
import { isObject } from '../../core/json-object.ts';

/**
 * Whether a gateway needs `VAULT_KEY`: a tool of `tools.json` carries secrets of the vault or charges a card, and the key is not a binding
 * of the Secrets Store. False for a file that is not JSON, which other checks report.
 */
export const needsVaultKey = (tools: string | undefined, toml: string): boolean =>
  usesVault(tools ?? '') && !STORE_BINDING.test(toml);

/** A binding `VAULT_KEY`, in TOML or in JSON. */
const STORE_BINDING = /"?binding"?\s*[=:]\s*"VAULT_KEY"/;

const usesVault = (text: string): boolean => {
  try {
    const json: unknown = JSON.parse(text);
    const tools = isObject(json) ? json['tools'] : undefined;
    return Array.isArray(tools) && tools.some((tool) => isObject(tool) && isVaulted(tool));
  } catch {
    return false;
  }
};

const isVaulted = ({ secrets, card }: Readonly<Record<string, unknown>>): boolean =>
  (Array.isArray(secrets) && secrets.length > 0) || card !== undefined;

/** A new key in the form that the gateway reads: 32 random bytes in base64. */
export const newVaultKey = (): string => randomBytes(32).toString('base64');
