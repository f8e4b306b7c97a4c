import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM } from '../../dev/browser.ts';

/** No sandbox, because tests may run as root; no requests of the browser's own. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium with a profile of its own. */
export const startBrowser = async (): Promise<Browser> => {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}`);
  return await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
};
