import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDashboard } from './dashboard.ts';
import { ROOT } from './root.ts';

const folder = join(ROOT, 'public/dashboard/assets');

/** A static import of another file of the build. Pages that open later are dynamic imports. */
const STATIC_IMPORT = /(?:from|import)\s*[`'"]\.\/([^`'"]+\.js)[`'"]/g;

/**
 * Builds the dashboard, and returns the paths of the files that a browser loads before the first page renders: the scripts that the
 * document names, the Overview with its static imports, and the style sheet.
 */
export const firstLoadOfDashboard = async (): Promise<readonly string[]> => {
  await buildDashboard();
  const names = readdirSync(folder);
  const html = readFileSync(join(ROOT, 'public/dashboard/index.html'), 'utf8');
  const loaded = new Set<string>();
  const load = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, imported = ''] of text.matchAll(STATIC_IMPORT)) load(imported);
  };
  for (const [, name = ''] of html.matchAll(/(?:src|href)="\/dashboard\/assets\/([^"]+\.js)"/g))
    load(name);
  const overview = names.filter((name) => /^overview-.*\.js$/.test(name));
  if (overview.length !== 1 || loaded.size === 0) {
    throw new Error(
      'The build of the dashboard has other files than expected: see dev/dashboard-size.ts.',
    );
  }
  overview.forEach(load);
  for (const [, name = ''] of html.matchAll(/href="\/dashboard\/assets\/([^"]+\.css)"/g))
    loaded.add(name);
  return [...loaded].map((name) => join(folder, name));
};
