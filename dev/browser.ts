import { existsSync } from 'node:fs';

/** Path of the binary of Debian's `chromium` package. */
export const CHROMIUM = '/usr/bin/chromium';

if (import.meta.main && !existsSync(CHROMIUM)) {
  console.error(
    'npm run test:browser needs Chromium: `apt-get install -y --no-install-recommends chromium` (Debian), then run it again.',
  );
  process.exit(1);
}
