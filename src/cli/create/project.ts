import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileToWrite } from '../lib/atomic-file.ts';
import {
  CONFIG_FILE,
  type ConfigFiles,
  readConfigFiles,
  SECRETS_FILE,
  secretsFileOf,
  TOOLS_FILE,
} from '../lib/config-files.ts';
import { type NeededSecret, putText } from '../lib/needed-secrets.ts';
import { isOldNode, readRelease, type Release } from '../dev/packages.ts';
import { CliError } from '../lib/errors.ts';
import { parseConfigText } from '../lib/wrangler-config.ts';
import { MAX_PROJECT_NAME, withResourceNames } from '../lib/resource-names.ts';
import { STAGING } from './staging.ts';
import { gatewayFiles } from '../init.ts';

/** The files of a project, in the order of the report. */
export const TEMPLATE = [
  ...[
    CONFIG_FILE,
    TOOLS_FILE,
    SECRETS_FILE,
    secretsFileOf(STAGING),
    'package.json',
    'src/index.ts',
    '.gitignore',
  ],
  'README.md',
];

/** A directory for a gateway: a new one, or the one of an earlier run. */
export type Project = {
  readonly isNew: boolean;
  /** The project's configuration; a blank one for a new project. */
  readonly present: ConfigFiles;
  readonly release: Release;
};

/** @throws CliError for a directory with other files */
export const openProject = async (directory: string): Promise<Project> => {
  const release = await readRelease();
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.includes(CONFIG_FILE))
    return { isNew: false, present: await gatewayFiles(directory), release };
  if (names.some((name) => name !== '.git'))
    throw new CliError('The directory is not empty. The command wrote nothing.', {
      hint: 'Name a new directory. In the directory of a Worker that you have, `countersign init` mounts the gateway.',
      code: 'not_empty',
    });
  const blank = await readConfigFiles(join(import.meta.dirname, 'project'));
  if (blank?.ok !== true) throw new Error('the template is missing');
  const toml = withResourceNames(blank.value.toml, nameOf(directory));
  const table = parseConfigText(blank.value.file, toml);
  if (!table.ok) throw new Error(table.error);
  return { isNew: true, present: { ...blank.value, toml, table: table.value }, release };
};

/** A name that both npm and Cloudflare accept. */
export const nameOf = (directory: string): string =>
  basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX_PROJECT_NAME)
    .replace(/-+$/, '') || 'gateway';

/** The contents that `package.json` needs. `countersign`: a version or another spec of npm. */
export const wantedManifest = ({ release }: Project, countersign: string | undefined) => ({
  scripts: {
    dev: 'countersign dev',
    deploy: 'countersign deploy',
  },
  dependencies: { countersign: countersign ?? `^${release.version}` },
  // npm puts this Node first in the scripts of the project.
  devDependencies: { ...release.local, ...(isOldNode() ? { node: release.node } : {}) },
});

/** The files that git must ignore: keys, and files that commands write. */
export const IGNORED = ['node_modules', '.wrangler', '.dev', '.dev.vars', '.dev.vars.*'];

/** The files of a new project besides its configuration. */
export const projectFiles = (
  directory: string,
  wanted: ReturnType<typeof wantedManifest>,
  secrets: readonly NeededSecret[],
): readonly FileToWrite[] => {
  const manifest = { name: nameOf(directory), private: true, type: 'module', ...wanted };
  const texts = {
    'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
    'src/index.ts': ENTRY,
    '.gitignore': `${IGNORED.join('\n')}\n`,
    'README.md': readme(secrets),
  };
  return Object.entries(texts).map(([name, text]) => ({
    path: join(directory, name),
    text,
    over: 'nothing',
  }));
};

const ENTRY = `import tools from '../tools.json';
import { countersign } from 'countersign/worker';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from 'countersign/worker';
export default countersign({ tools });
`;

const readme = (secrets: readonly NeededSecret[]): string => `# Gateway

Sells the tools in \`tools.json\` to agents that pay with a wallet signature, with [Countersign](https://www.npmjs.com/package/countersign).

\`\`\`sh
npm install
npm run dev             # serves http://localhost:8787 with a local chain and a funded agent; the key p pays for a test call
npx countersign doctor  # checks settings, chain, facilitator and upstream
\`\`\`

\`npx countersign tools import openapi.yaml --price 0.01 --file tools.json\` sells the operations of an OpenAPI document.
${secretsText(secrets)}
To deploy it on Cloudflare:

\`\`\`sh
npx wrangler login
npx countersign deploy --dry-run  # what it would do
npx countersign deploy --env staging  # a second gateway for tests, with keys and names of its own
npx countersign deploy            # checks, creates what is missing, deploys, and asks the gateway for its 402
\`\`\`

Use the receiving address for nothing else, and never for a second gateway.
`;

const secretsText = (secrets: readonly NeededSecret[]): string =>
  secrets.length === 0
    ? ''
    : `
The tools send secrets to the API, and calls get 503 until you store them. While \`npm run dev\` runs, store them on this machine:

\`\`\`sh
${secrets.map((each) => `npx ${putText(each)}`).join('\n')}
\`\`\`

Each command asks for the value, or reads it from standard input. With \`--gateway <origin> --as <operator>\`, it stores the secret at the deployed gateway.
`;
