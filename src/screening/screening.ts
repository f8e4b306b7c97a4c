import type { Hex } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { ScreeningVerdict } from '../protocol/account/screening.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import type { Screener } from './screener.ts';

/** The screening of payers. Its code loads with the first account that needs a verdict. */
export type Screening = {
  /** SHA-256 of the setting: an account that was screened with another one is screened again. */
  readonly settings: Hex;
  /** Returns the verdict on an account. @throws if the setting is malformed: the call must then be refused (law 8). */
  readonly screen: (account: AccountId) => Promise<ScreeningVerdict>;
};

/** Opens the screening of an environment; undefined if the operator screens nobody. */
export const openScreening = (env: Env, reach: EgressReach): Screening | undefined => {
  const text = env.SCREENING?.trim() ?? '';
  if (text === '') return undefined;
  let screener: Screener | undefined;
  return {
    settings: nativeSha256(utf8(text)),
    async screen(account) {
      const { openScreener } = await import('./screener.ts');
      screener ??= openScreener(text, env, reach);
      return screener(account);
    },
  };
};
