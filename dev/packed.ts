/**
 * Part of `npm run package`: installs the packed packages in an empty folder outside the checkout, with no other package, and uses them
 * there. Inside the checkout every development dependency resolves, so only this shows a dependency that package.json does not declare.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { startProgress } from './command-line.ts';
import { ROOT } from './root.ts';
import { startStack } from './stack/stack.ts';

const say = startProgress();
const folder = await mkdtemp(join(tmpdir(), 'countersign-packed-'));
const run = async (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) => await promisify(execFile)(file, args, { cwd: folder, env: { ...process.env, ...env } });

/** Installs both tarballs as a user does. npm takes their dependencies from its cache, or from the registry. */
const install = async (): Promise<void> => {
  for (const path of [ROOT, join(ROOT, 'packages/create-countersign')])
    await run('npm', ['pack', path, '--ignore-scripts', '--silent']);
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...quiet, ...tarballs.map((name) => `./${name}`)]);
};

const NODE = ['node:*', ...builtinModules];
/** Packages that `countersign dev` needs (a project made by `create` lists them itself), and that an export to Parquet needs. */
const ON_DEMAND = ['@foundry-rs/*', '@offchainlabs/*', '@x402/*', 'wrangler', '@duckdb/node-api'];

/** Bundles an entry of the installed package whole: an import that resolves to nothing fails the build. */
const bundle = async (entry: string, options: BuildOptions): Promise<void> => {
  await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)};`, resolveDir: folder },
    bundle: true,
    write: false,
    format: 'esm',
    outdir: folder,
    loader: { '.wasm': 'copy' },
    logLevel: 'error',
    ...options,
  });
};

const bundleAll = async (): Promise<void> => {
  const inWorkers = { conditions: ['workerd'], external: ['cloudflare:*', ...NODE] };
  await bundle('countersign/client', { platform: 'browser' });
  await bundle('countersign/client', inWorkers);
  await bundle('countersign/verify', { platform: 'browser' });
  for (const name of ['verify', 'worker', 'signer']) await bundle(`countersign/${name}`, inWorkers);
  const command = './node_modules/countersign/dist/cli';
  await bundle(`${command}/index.js`, { platform: 'node', external: ON_DEMAND });
  await bundle(`${command}/local-stack.js`, { platform: 'node', external: ON_DEMAND });
  await bundle('./node_modules/create-countersign/dist/index.js', { platform: 'node' });
};

/** Returns the TypeScript of the first code block in a document that contains a text. */
const snippet = (document: string, text: string): string => {
  const blocks = readFileSync(join(ROOT, document), 'utf8').matchAll(/```ts\n(.*?)```/gs);
  const found = [...blocks].map(([, code = '']) => code).find((code) => code.includes(text));
  if (found === undefined) throw new Error(`${document} has no snippet with ${text}`);
  return found;
};

/** Writes the snippets as programs that call a gateway, and type-checks them against the package. */
const writeSnippets = async (gateway: string): Promise<void> => {
  const readme = snippet('README.md', 'createAgent').replaceAll('http://127.0.0.1:8787', gateway);
  const overMcp = snippet('docs/client.md', 'agent.tools(')
    .replaceAll('https://gateway.example', gateway)
    .concat('console.log(tools.length, JSON.stringify(result.content)); await client.close();\n');
  writeFileSync(join(folder, 'readme.ts'), readme);
  writeFileSync(join(folder, 'over-mcp.ts'), `${readme}${overMcp}`);
  const entries = ['client', 'verify', 'worker', 'signer'];
  const exported = entries.map((name) => `export * as ${name} from 'countersign/${name}';`);
  writeFileSync(join(folder, 'exports.ts'), exported.join('\n'));
  const options = {
    ...{ strict: true, noEmit: true, target: 'es2024', module: 'nodenext', skipLibCheck: true },
    // Every TypeScript project on Node has these types.
    ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
  };
  const config = { compilerOptions: options, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
};

const expectIn = (text: string, ...parts: readonly string[]): void => {
  for (const part of parts)
    if (!text.includes(part)) throw new Error(`The output lacks ${part}:\n${text}`);
};

/** Makes paid calls with the installed package, against a gateway of this checkout. */
const pay = async (): Promise<void> => {
  const stack = await startStack({ file: join(folder, '.dev/stack.json') });
  try {
    const { gateway, agent } = stack.description;
    await writeSnippets(gateway);
    say('the snippets of README.md and docs/client.md have valid types');
    const env = { AGENT_KEY: agent.privateKey };
    const paid = await run(process.execPath, ['readme.ts'], env);
    expectIn(paid.stdout, 'stream of water', 'charged: 1000n', 'verified: true');
    expectIn((await run(process.execPath, ['over-mcp.ts'], env)).stdout, 'bonjour');
    const called = [join('node_modules', '.bin', 'countersign'), 'call'];
    const url = `${gateway}/tools/lookup?word=sea`;
    const { stderr } = await run(process.execPath, [...called, url, '--as', 'agent']);
    expectIn(stderr, 'paid $0.001');
    say('the snippets and the command have paid');
  } finally {
    await stack.stop();
  }
};

try {
  await install();
  say('installed');
  await bundleAll();
  for (const name of ['client', 'verify'])
    await run(process.execPath, ['--input-type=module', '-e', `import 'countersign/${name}';`]);
  await run(process.execPath, ['node_modules/.bin/create-countersign', '--help']);
  say('every export loads in Node, and bundles for Workers and browsers');
  await pay();
} finally {
  await rm(folder, { recursive: true, force: true });
}
