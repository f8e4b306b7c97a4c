import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { changesSettings } from './create/given.ts';
import { newKeys } from './create/new-keys.ts';
import { IGNORED, openProject, projectFiles, TEMPLATE, wantedManifest } from './create/project.ts';
import { reportProject } from './create/report.ts';
import { askSettings, type Settings } from './create/settings.ts';
import { confirmUpgrade, draftUpgrade } from './create/upgrade.ts';
import { initOptions } from './init/options.ts';
import { changedFiles, writeFiles } from './lib/atomic-file.ts';
import { JURISDICTIONS } from '../protocol/jurisdiction.ts';
import type { Command } from './lib/command.ts';
import { withoutQuestions } from './lib/prompts.ts';

export const command: Command = {
  summary:
    'create a project that sells an API: a Worker of three lines, its settings and its tools',
  arguments: [{ syntax: '[directory]', summary: 'where to create it (default: gateway)' }],
  options: [
    ...initOptions,
    {
      flags: '--openapi <document>',
      summary: 'sell the operations of this OpenAPI document: a file or a URL',
    },
    { flags: '--mcp <url>', summary: 'sell the tools of this MCP server' },
    { flags: '--price <amount>', summary: 'price of a call in dollars, e.g. 0.01' },
    { flags: '--tool <name>', summary: 'name of the tool at --upstream (default: from its path)' },
    {
      flags: '--new-pay-to <name>',
      summary: 'create a key of this name, encrypted, as receiving address',
    },
    {
      flags: '--new-operator <name>',
      summary: 'create a key of this name, encrypted, as operator',
    },
    {
      flags: '--jurisdiction <name>',
      summary: `where Cloudflare keeps the data: ${JURISDICTIONS.join(', ')} (default: anywhere); fixed with the first start`,
    },
    { flags: '--package <spec>', summary: 'version or file of countersign to depend on' },
    {
      flags: '-y, --yes',
      summary: 'ask nothing: take defaults, and confirm that nothing else uses --pay-to',
    },
  ],
  shared: ['password'],
  examples: [
    'npm create countersign',
    'npm create countersign shop -- --yes --pay-to 0x… --upstream https://api.example.com/weather',
    'npm create countersign shop -- --openapi openapi.yaml --price 0.01',
  ],
  run: async (asking, input) => {
    const session = input.flag('yes') ? { ...asking, prompts: withoutQuestions } : asking;
    const directory = resolve(session.directory, input.arguments[0] ?? 'gateway');
    const project = await openProject(directory);
    const keys = newKeys(session.keystore);
    const settings =
      project.isNew || changesSettings(input)
        ? await askSettings(session, input, directory, project, keys)
        : NO_SETTINGS;
    const wanted = wantedManifest(project, input.text('package'));
    const { files, changes } = project.isNew
      ? { files: projectFiles(directory, wanted, settings.secrets), changes: [] }
      : await draftUpgrade(directory, wanted, IGNORED);
    await confirmUpgrade(session, input, changes);
    const changed = await changedFiles([...settings.files, ...files]);
    // After the last question: an interruption before leaves neither a key nor a file.
    const added = await keys.write();
    await writeFiles(changed, session.signal);
    const written = changed.map(({ path }) => relative(directory, path));
    reportProject(session, directory, {
      ...settings,
      written,
      unchanged: TEMPLATE.filter(
        (name) => !written.includes(name) && existsSync(join(directory, name)),
      ),
      keys: added,
      isNew: project.isNew,
    });
  },
};

/** A second run without settings keeps the configuration. */
const NO_SETTINGS: Settings = {
  ...{ files: [], checks: [], notes: [], skipped: [], secrets: [], isLocal: false },
};
