// Serves the page. While `npm start` is running: `npx node examples/browser/serve.ts`, then open http://127.0.0.1:8789
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The files of the page by path; esbuild bundles page.ts. */
export const pageFiles = async (): Promise<
  ReadonlyMap<string, readonly [type: string, text: string]>
> => {
  const here = import.meta.dirname;
  const bundle = await build({
    entryPoints: [join(here, 'page.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const read = async (name: string): Promise<string> => await readFile(join(here, name), 'utf8');
  return new Map([
    ['/', ['text/html; charset=utf-8', await read('index.html')]],
    ['/page.css', ['text/css; charset=utf-8', await read('page.css')]],
    ['/page.js', ['text/javascript; charset=utf-8', bundle.outputFiles[0]?.text ?? '']],
  ]);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = await pageFiles();
  createServer((request, response) => {
    const [type, text] = files.get(request.url ?? '') ?? [];
    if (text === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': type }).end(text);
  }).listen(8789, '127.0.0.1', () => console.log('http://127.0.0.1:8789'));
}
