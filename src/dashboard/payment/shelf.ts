import { WalletFault } from '../session/wallet-refusal.ts';

/** The part of `Storage` that records need. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The storage that all tabs share. A browser that refuses it throws with each use, not when the page opens. */
export const browserShelf: Shelf = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, value),
  removeItem: (key) => localStorage.removeItem(key),
};

/** Why a page sends no payment. */
export const NO_STORAGE = {
  text: 'The browser stores nothing for this page, so the page sends no payment.',
  hint: 'Let this site store data, then try again. Without it, a reload could make you pay twice.',
};

/** Longer than any purchase. */
const PROBE = 'x'.repeat(32_768);
const PROBE_KEY = 'countersign-probe';

/** Tests the storage before the page asks the wallet: a person must not confirm a payment that the page cannot send. @throws WalletFault */
export const requireStorage = (shelf: Shelf): void => {
  let stored: string | null = null;
  try {
    shelf.setItem(PROBE_KEY, PROBE);
    stored = shelf.getItem(PROBE_KEY);
    shelf.removeItem(PROBE_KEY);
  } catch {
    // The fault below names the cause of the failure.
  }
  if (stored !== PROBE) throw new WalletFault(NO_STORAGE);
};
