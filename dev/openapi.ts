/** `node dev/openapi.ts`: writes the description of the management API to `public/`, from where the Worker reads it. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { openApi } from './openapi/document.ts';
import { putAsset } from './put-asset.ts';

const directory = join(ROOT, 'public');
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
};
await mkdir(directory, { recursive: true });
await putAsset('openapi.json', `${JSON.stringify(openApi(version), undefined, 1)}\n`);
