import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Of the package, below which this file is `dist/cli/…js`. In a checkout there is no such folder. */
const DOCS = join(import.meta.dirname, '../../docs');

/** A text whose pages of the documentation are files that a reader finds from here: the package ships them. */
export const located = (text: string): string =>
  text.replace(/\bdocs\/([a-z-]+\.md)/g, (page, name: string) => {
    const path = join(DOCS, name);
    if (!existsSync(path)) return page;
    const near = relative(process.cwd(), path);
    return near.length < path.length ? near : path;
  });
