/** `node dev/openapi.ts`: writes what the gateway serves as static assets, `/openapi.json` and its headers, to `public/`. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { openApi } from './openapi/document.ts';

const HEADERS = `/openapi.json
  Access-Control-Allow-Origin: *
  Cache-Control: public, max-age=300
`;

/**
 * Stacks that start at once may both write: each file is there whole or not at all. One that has not changed is left alone, because
 * every `wrangler dev` that serves the folder would start its Worker anew.
 */
const put = async (directory: string, name: string, text: string): Promise<void> => {
  const path = join(directory, name);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  // Not a name of a file in the folder: that would be served, too.
  const draft = `${directory}.${name}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, path);
};

const directory = join(ROOT, 'public');
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
};
await mkdir(directory, { recursive: true });
await put(directory, 'openapi.json', `${JSON.stringify(openApi(version), undefined, 1)}\n`);
await put(directory, '_headers', HEADERS);
