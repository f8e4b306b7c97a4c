import { type Address, isAddress } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isLoopbackHost } from '../protocol/egress-url.ts';
import type { SignerEnv } from './env.ts';

/** The settings of the signer, read from its environment. */
export type SignerSettings = {
  readonly origin: string;
  readonly owners: ReadonlySet<Address>;
};

export type SettingFault = { readonly name: string; readonly reason: string };

/** Reads the settings. Faults name the variable, never its value. */
export const readSignerSettings = ({
  SIGNER_ORIGIN,
  OWNERS,
}: Pick<SignerEnv, 'SIGNER_ORIGIN' | 'OWNERS'>): Result<
  SignerSettings,
  readonly SettingFault[]
> => {
  const origin = URL.parse(SIGNER_ORIGIN);
  // Without TLS anyone on the network path could read what agents sign.
  const isSafe =
    origin?.protocol === 'https:' ||
    (origin?.protocol === 'http:' && isLoopbackHost(origin.hostname));
  const owners = OWNERS.split(',')
    .map((text) => text.trim().toLowerCase())
    .filter((text) => text !== '');
  const faults = [
    ...(origin?.origin === SIGNER_ORIGIN && isSafe
      ? []
      : [
          { name: 'SIGNER_ORIGIN', reason: 'must be an https origin, like https://signer.example' },
        ]),
    ...(owners.every(isAddress)
      ? []
      : [{ name: 'OWNERS', reason: 'must be addresses, comma-separated' }]),
  ];
  return faults.length === 0
    ? ok({ origin: SIGNER_ORIGIN, owners: new Set(owners as Address[]) })
    : err(faults);
};
