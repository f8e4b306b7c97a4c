/** `node dev/openapi.ts`: writes the description of the management API to `public/`, from where the Worker reads it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { openApi } from './openapi/document.ts';

/**
 * Replaces a file atomically: stacks that start concurrently both write it. An unchanged file is not touched, because every `wrangler dev`
 * that serves the folder would restart its Worker.
 */
const put = async (directory: string, name: string, text: string): Promise<void> => {
  const path = join(directory, name);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  // Outside the folder, whose files are all served.
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
