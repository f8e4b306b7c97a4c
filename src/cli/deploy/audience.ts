import { join } from 'node:path';
import { parse, patch } from '@decimalturn/toml-patch';
import { egressFault } from '../../protocol/egress-url.ts';
import { readAudiences } from '../../config/settings.ts';
import { writeFiles } from '../lib/atomic-file.ts';
import { CONFIG_FILE, readConfigFiles, secretsFileOf } from '../lib/config-files.ts';
import { type Table, withValue } from '../lib/wrangler-config.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Session } from '../lib/session.ts';
import type { Project } from './project.ts';

/** Why an origin cannot be the audience of a deployed gateway. */
const faultOf = (origin: string): string | undefined => {
  const read = readAudiences(origin);
  if (!read.ok) return `The origin ${read.error[0] ?? 'is not valid'}.`;
  const fault = egressFault(origin, 'public');
  return fault === undefined ? undefined : `The origin ${fault}.`;
};

/**
 * The project with the audience of --audience, or with the one that the user types if it is still on this machine.
 *
 * @returns the same project if the audience does not change
 */
export const withAudience = async (
  { prompts }: Pick<Session, 'prompts'>,
  input: Input,
  project: Project,
): Promise<Project> => {
  const given = input.text('audience');
  if (given !== undefined) {
    const fault = faultOf(given);
    if (fault !== undefined)
      throw usageError(`--audience: ${fault}`, 'Give an origin, e.g. https://shop.example.com.');
    return withVariable(project, given);
  }
  const present = project.files.variables['AUDIENCES'] ?? '';
  if (!isLoopback(present) || !prompts.isInteractive) return project;
  const typed = await prompts.text({
    message: `At which https origin will agents call the gateway? https://${project.name}.<your subdomain>.workers.dev, or one of your own domain`,
    instead: '--audience <origin>',
    check: faultOf,
  });
  return withVariable(project, typed);
};

const withVariable = (project: Project, audience: string): Project => {
  const { files } = project;
  const variables = { ...files.variables, AUDIENCES: audience };
  const toml =
    files.variables['AUDIENCES'] === audience
      ? files.toml
      : patch(
          files.toml,
          withValue(
            parse(files.toml) as Table,
            [...(files.environment === undefined ? [] : ['env', files.environment]), 'vars'],
            variables,
          ),
        );
  return { ...project, files: { ...files, toml, variables } };
};

/** Writes the audience. `wrangler dev` keeps the one on this machine, in `.dev.vars`, which overrides it. */
export const writeAudience = async (
  { directory, files }: Project,
  signal: AbortSignal,
): Promise<boolean> => {
  const before = await readConfigFiles(directory, files.environment);
  if (before?.ok !== true || before.value.toml === files.toml) return false;
  const { secrets, secretsText, variables } = before.value;
  const local = variables['AUDIENCES'] ?? '';
  const keeps = isLoopback(local) && secrets['AUDIENCES'] === undefined;
  const head = secretsText === '' || secretsText.endsWith('\n') ? secretsText : `${secretsText}\n`;
  await writeFiles(
    [
      { path: join(directory, CONFIG_FILE), text: files.toml },
      ...(keeps
        ? [
            {
              path: join(directory, secretsFileOf(files.environment)),
              text: `${head}AUDIENCES='${local}'\n`,
              mode: 0o600,
            },
          ]
        : []),
    ],
    signal,
  );
  return true;
};
