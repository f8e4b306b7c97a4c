import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The documentation inside the package, where this file is `dist/cli/…js`. A checkout has no folder at this path. */
const DOCS = join(import.meta.dirname, '../../docs');

/** Rewrites paths of documentation pages in a text so that they resolve from the working directory: the package ships the pages. */
export const located = (text: string): string =>
  text.replace(/\bdocs\/([a-z-]+\.md)/g, (page, name: string) => {
    const path = join(DOCS, name);
    if (!existsSync(path)) return page;
    const near = relative(process.cwd(), path);
    return near.length < path.length ? near : path;
  });
